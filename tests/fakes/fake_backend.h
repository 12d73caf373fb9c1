#ifndef LONGHAUL_TESTS_FAKES_FAKE_BACKEND_H
#define LONGHAUL_TESTS_FAKES_FAKE_BACKEND_H

/* A vault's objects in memory, with faults. Thread-safe like a real backend. */

#include "common/vault/vault_backend.h"

struct fake_backend;

struct fake_backend *fake_backend_new(void);
void fake_backend_free(struct fake_backend *fake);
struct vault_backend fake_backend_of(struct fake_backend *fake);

/* From now on the call after `countdown` more ones fails with ERROR_NETWORK, and all that follow; -1: none. */
void fake_backend_fail_after(struct fake_backend *fake, int countdown);
int fake_backend_calls(struct fake_backend *fake);

size_t fake_backend_objects(struct fake_backend *fake);
/* The bytes of the n-th object, to be damaged. */
uint8_t *fake_backend_object(struct fake_backend *fake, size_t n, enum object_class *class, size_t *len);
uint64_t fake_backend_pack_bytes(struct fake_backend *fake);
/* Forgets the n-th object. */
void fake_backend_drop(struct fake_backend *fake, size_t n);
/* Same of a pack, and the index forgets what was in it. */
void fake_backend_forget_pack(struct fake_backend *fake, size_t n);

#endif

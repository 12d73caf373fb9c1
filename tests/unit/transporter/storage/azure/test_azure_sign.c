#include "transporter/storage/azure/azure_sign.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/storage/azure/azure_date.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* Texts and signatures are what Microsoft's own Python client (azure-storage-blob 12.15.0b1) makes of the same
 * requests, with the key 00 01 02 … 3f. */

#define DATE                                                                                                           \
    {                                                                                                                  \
        "x-ms-date", "Sun, 22 Nov 2026 12:00:00 GMT"                                                                   \
    }
#define VERSION                                                                                                        \
    {                                                                                                                  \
        "x-ms-version", "2021-12-02"                                                                                   \
    }

struct vector {
    struct azure_sign_request request;
    struct azure_sign_header headers[8];
    const char *text, *signature;
};

static const struct vector vectors[] = {
    { .request = { .method = "GET",
                   .account = "longhaul",
                   .path = "/vaults",
                   .query = "restype=container&comp=list&maxresults=1000&prefix=a%2Fb%2F&include=versions%2C"
                            "immutabilitypolicy&marker=2%2152%21Mg--",
                   .header_count = 2 },
      .headers = { DATE, VERSION },
      .text = "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Sun, 22 Nov 2026 12:00:00 GMT\nx-ms-version:2021-12-02\n"
              "/longhaul/vaults\ncomp:list\ninclude:versions,immutabilitypolicy\nmarker:2!52!Mg--\nmaxresults:1000\n"
              "prefix:a/b/\nrestype:container",
      .signature = "PwiBGIsXtqT8J6Un2I2bzsVr9aDuF2pr6LXSEvOW4Tg=" },
    { .request = { .method = "PUT",
                   .account = "longhaul",
                   .path = "/vaults/p/vault-1/packs/aa",
                   .content_length = 5,
                   .header_count = 8 },
      .headers = { { "If-None-Match", "*" },
                   { "x-ms-blob-type", "BlockBlob" },
                   { "X-Ms-Meta-longhaulput", "00112233445566778899aabbccddeeff" },
                   { "x-ms-immutability-policy-until-date", "Mon, 23 Nov 2026 12:00:00 GMT" },
                   { "x-ms-immutability-policy-mode", "Locked" },
                   { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==" },
                   DATE,
                   VERSION },
      .text = "PUT\n\n\n5\nXUFAKrxLKna5cZ2REBfFkg==\n\n\n\n\n*\n\n\nx-ms-blob-type:BlockBlob\n"
              "x-ms-date:Sun, 22 Nov 2026 12:00:00 GMT\nx-ms-immutability-policy-mode:Locked\n"
              "x-ms-immutability-policy-until-date:Mon, 23 Nov 2026 12:00:00 GMT\n"
              "x-ms-meta-longhaulput:00112233445566778899aabbccddeeff\nx-ms-version:2021-12-02\n"
              "/longhaul/vaults/p/vault-1/packs/aa",
      .signature = "+5bsJorGXR5oY4vt5QG9nRlVI0Vynj+sU1KeIlgnag8=" },
    { .request = { .method = "PUT",
                   .account = "longhaultest",
                   .path = "/longhaultest/vaults/p/a",
                   .query = "comp=block&blockid=MDAxMTIyMzM0NDU1MDAwMDAw",
                   .content_length = 8388608,
                   .header_count = 3 },
      .headers = { { "Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==" }, DATE, VERSION },
      .text = "PUT\n\n\n8388608\nXUFAKrxLKna5cZ2REBfFkg==\n\n\n\n\n\n\n\nx-ms-date:Sun, 22 Nov 2026 12:00:00 GMT\n"
              "x-ms-version:2021-12-02\n/longhaultest/longhaultest/vaults/p/a\nblockid:MDAxMTIyMzM0NDU1MDAwMDAw\n"
              "comp:block",
      .signature = "RbXWV+C12fX3y4d2TmslWNt1oTBSoPmIKc635ahVo04=" },
    { .request = { .method = "PUT",
                   .account = "longhaul",
                   .path = "/vaults/p/a",
                   .query = "comp=immutabilityPolicies",
                   .header_count = 4 },
      .headers = { DATE,
                   VERSION,
                   { "x-ms-immutability-policy-until-date", "Mon, 23 Nov 2026 12:00:00 GMT" },
                   { "x-ms-immutability-policy-mode", "Unlocked" } },
      .text = "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Sun, 22 Nov 2026 12:00:00 GMT\n"
              "x-ms-immutability-policy-mode:Unlocked\n"
              "x-ms-immutability-policy-until-date:Mon, 23 Nov 2026 12:00:00 GMT\nx-ms-version:2021-12-02\n"
              "/longhaul/vaults/p/a\ncomp:immutabilityPolicies",
      .signature = "KS/smEbObvMLRUQbYNv0yLnTUqUPu4yeODmaMBXuHOE=" },
    { .request = { .method = "GET",
                   .account = "longhaul",
                   .path = "/vaults/p/a",
                   .query = "versionid=2026-11-22T12:00:00.1234567Z",
                   .header_count = 3 },
      .headers = { { "x-ms-range", "bytes=0-4" }, VERSION, DATE },
      .text = "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Sun, 22 Nov 2026 12:00:00 GMT\nx-ms-range:bytes=0-4\n"
              "x-ms-version:2021-12-02\n/longhaul/vaults/p/a\nversionid:2026-11-22T12:00:00.1234567Z",
      .signature = "GYTbWPQV6UD9T4hJfk1m1rvNcKZppWg6NfhRZbaLFcA=" },
};

static void
signatures_are_those_of_microsofts_client(void **state)
{
    struct error err = ERROR_INIT;
    uint8_t bytes[64];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    struct secret *key = secret_new(bytes, sizeof(bytes), &err);
    assert_non_null(key);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct azure_sign_request request = vectors[i].request;
        struct buffer text = BUFFER_INIT(4096);
        char signature[AZURE_SIGNATURE_LEN];
        request.headers = vectors[i].headers;
        assert_int_equal(azure_sign_text(&request, &text, &err), 0);
        assert_string_equal(buffer_text(&text, &err), vectors[i].text);
        assert_int_equal(azure_sign(&request, key, signature, &err), 0);
        assert_string_equal(signature, vectors[i].signature);
        buffer_clear(&text);
    }
    secret_free(key);
}

static void
too_many_headers_or_parameters_are_refused(void **state)
{
    struct azure_sign_header headers[AZURE_SIGN_HEADERS_MAX + 1];
    struct buffer text = BUFFER_INIT(4096);
    struct error err = ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        headers[i] = (struct azure_sign_header){ "x-ms-a", "b" };
    struct azure_sign_request request = { .method = "GET", .account = "a", .path = "/", .headers = headers };
    request.header_count = ARRAY_LEN(headers);
    assert_int_equal(azure_sign_text(&request, &text, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    err = (struct error)ERROR_INIT;
    request.header_count = 0;
    request.query = "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q";
    assert_int_equal(azure_sign_text(&request, &text, &err), -1);
    assert_int_equal(err.kind, ERROR_LIMIT);
    buffer_clear(&text);
}

static void
dates_round_up_and_come_back(void **state)
{
    char text[AZURE_DATE_LEN];
    (void)state;
    azure_date_format(INT64_C(1435361952000), text);
    assert_string_equal(text, "Fri, 26 Jun 2015 23:39:12 GMT");
    azure_date_format(INT64_C(1435361952001), text);
    assert_string_equal(text, "Fri, 26 Jun 2015 23:39:13 GMT");
    assert_int_equal(azure_date_parse(text), INT64_C(1435361953000));
    azure_date_format(AZURE_DATE_MAX_MS, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_int_equal(azure_date_parse("2015-06-26T23:39:12.0000000Z"), INT64_C(1435361952000));
    assert_int_equal(azure_date_parse("soon"), 0);
    assert_int_equal(azure_date_parse(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_microsofts_client),
        cmocka_unit_test(too_many_headers_or_parameters_are_refused),
        cmocka_unit_test(dates_round_up_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

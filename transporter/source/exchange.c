#include "common/base/memory.h"
#include "transporter/source/source_group.h"

static const struct source_part parts[] = {
    { &exchange_mail_driver, CATALOG_KIND_BIT(CATALOG_FOLDER) | CATALOG_KIND_BIT(CATALOG_MESSAGE) },
    { &exchange_contacts_driver, CATALOG_KIND_BIT(CATALOG_CONTACT_FOLDER) | CATALOG_KIND_BIT(CATALOG_CONTACT) },
};

static struct source *
open_exchange(const struct source_options *options, struct error *err)
{
    return source_group_open("exchange", parts, ARRAY_LEN(parts), options, err);
}

const struct source_driver exchange_driver = { "exchange", open_exchange };

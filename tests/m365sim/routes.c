#include "tests/m365sim/routes.h"

#include "common/base/memory.h"
#include "tests/m365sim/attachment.h"
#include "tests/m365sim/auth.h"
#include "tests/m365sim/batch.h"
#include "tests/m365sim/calendars.h"
#include "tests/m365sim/contacts.h"
#include "tests/m365sim/control.h"
#include "tests/m365sim/directory.h"
#include "tests/m365sim/drive.h"
#include "tests/m365sim/mail.h"
#include "tests/m365sim/settings.h"
#include "tests/m365sim/uploads.h"

#define U  "/v1.0/users/{}"
#define MF U "/mailFolders"
#define M  U "/messages"
#define MC U "/outlook/masterCategories"
#define MR U "/mailFolders/{}/messageRules"
#define CA U "/calendars"
#define E  U "/events"
#define CF U "/contactFolders"
#define C  U "/contacts"

static const struct route table[] = {
    { "POST", "/{}/oauth2/v2.0/token", ROUTE_OPEN, "token", auth_handle_token },
    { "GET", "/{}/v2.0/.well-known/openid-configuration", ROUTE_OPEN, "metadata", auth_handle_metadata },
    { "GET", "/{}/discovery/v2.0/keys", ROUTE_OPEN, "metadata", auth_handle_keys },
    { NULL, "/_control/**", ROUTE_CONTROL, "control", control_handle },
    { "GET", "/personal/{}/_layouts/15/download.aspx", ROUTE_TRANSFER, "download", drive_handle_download },
    { NULL, "/upload/{}", ROUTE_TRANSFER, "upload", uploads_handle },

    { "POST", "/v1.0/$batch", ROUTE_DIRECTORY, "batch", batch_handle },
    { "GET", "/v1.0/organization", ROUTE_DIRECTORY, "organization", directory_organization },
    { "GET", "/v1.0/users", ROUTE_DIRECTORY, "users", directory_users },
    { "GET", "/v1.0/users/delta", ROUTE_DIRECTORY, "users/delta", directory_users_delta },
    { "GET", U, ROUTE_DIRECTORY, "user", directory_user },
    { "GET", U "/mailboxSettings", ROUTE_OUTLOOK, "mailboxSettings", settings_get },
    { "PATCH", U "/mailboxSettings", ROUTE_OUTLOOK, "mailboxSettings/update", settings_update },
    { "GET", MC, ROUTE_OUTLOOK, "masterCategories", settings_categories_list },
    { "POST", MC, ROUTE_OUTLOOK, "masterCategories/create", settings_categories_create },
    { "GET", MC "/{}", ROUTE_OUTLOOK, "masterCategory", settings_category_get },
    { "PATCH", MC "/{}", ROUTE_OUTLOOK, "masterCategory/update", settings_category_update },
    { "DELETE", MC "/{}", ROUTE_OUTLOOK, "masterCategory/delete", settings_category_delete },
    { "GET", MR, ROUTE_OUTLOOK, "messageRules", settings_rules_list },
    { "POST", MR, ROUTE_OUTLOOK, "messageRules/create", settings_rules_create },
    { "GET", MR "/{}", ROUTE_OUTLOOK, "messageRule", settings_rule_get },
    { "PATCH", MR "/{}", ROUTE_OUTLOOK, "messageRule/update", settings_rule_update },
    { "DELETE", MR "/{}", ROUTE_OUTLOOK, "messageRule/delete", settings_rule_delete },
    { "GET", "/v1.0/sites", ROUTE_DRIVE, "sites", directory_sites },
    { "GET", "/v1.0/sites/getAllSites", ROUTE_DRIVE, "sites", directory_sites },
    { "GET", "/v1.0/sites/{}", ROUTE_DRIVE, "site", directory_site },

    { "GET", MF, ROUTE_OUTLOOK, "mailFolders", mail_folders_list },
    { "POST", MF, ROUTE_OUTLOOK, "mailFolders/create", mail_folders_create },
    { "GET", MF "/delta", ROUTE_OUTLOOK, "mailFolders/delta", mail_folders_delta },
    { "GET", MF "/{}", ROUTE_OUTLOOK, "mailFolder", mail_folders_get },
    { "PATCH", MF "/{}", ROUTE_OUTLOOK, "mailFolder/update", mail_folders_update },
    { "DELETE", MF "/{}", ROUTE_OUTLOOK, "mailFolder/delete", mail_folders_delete },
    { "POST", MF "/{}/move", ROUTE_OUTLOOK, "mailFolder/move", mail_folders_move },
    { "GET", MF "/{}/childFolders", ROUTE_OUTLOOK, "mailFolders", mail_folders_list },
    { "POST", MF "/{}/childFolders", ROUTE_OUTLOOK, "mailFolders/create", mail_folders_create },
    { "GET", MF "/{}/messages", ROUTE_OUTLOOK, "messages", mail_messages_list },
    { "POST", MF "/{}/messages", ROUTE_OUTLOOK, "messages/create", mail_messages_create },
    { "GET", MF "/{}/messages/delta", ROUTE_OUTLOOK, "messages/delta", mail_messages_delta },

    { "GET", M, ROUTE_OUTLOOK, "messages", mail_messages_list_all },
    { "POST", M, ROUTE_OUTLOOK, "messages/create", mail_messages_create_draft },
    { "GET", M "/{}", ROUTE_OUTLOOK, "message", mail_message_get },
    { "PATCH", M "/{}", ROUTE_OUTLOOK, "message/update", mail_message_update },
    { "DELETE", M "/{}", ROUTE_OUTLOOK, "message/delete", mail_message_delete },
    { "POST", M "/{}/permanentDelete", ROUTE_OUTLOOK, "message/delete", mail_message_purge },
    { "POST", M "/{}/move", ROUTE_OUTLOOK, "message/move", mail_message_move },
    { "GET", M "/{}/$value", ROUTE_OUTLOOK, "message/$value", mail_message_value },
    { "GET", M "/{}/attachments", ROUTE_OUTLOOK, "attachments", attachment_handle_list },
    { "POST", M "/{}/attachments", ROUTE_OUTLOOK, "attachments/create", attachment_handle_create },
    { "POST", M "/{}/attachments/createUploadSession", ROUTE_OUTLOOK, "attachments/session",
      attachment_handle_session },
    { "GET", M "/{}/attachments/{}", ROUTE_OUTLOOK, "attachment", attachment_handle_get },
    { "DELETE", M "/{}/attachments/{}", ROUTE_OUTLOOK, "attachment/delete", attachment_handle_delete },
    { "GET", M "/{}/attachments/{}/$value", ROUTE_OUTLOOK, "attachment/$value", attachment_handle_value },

    { "GET", CF, ROUTE_OUTLOOK, "contactFolders", contacts_folders_list },
    { "POST", CF, ROUTE_OUTLOOK, "contactFolders/create", contacts_folders_create },
    { "GET", CF "/delta", ROUTE_OUTLOOK, "contactFolders/delta", contacts_folders_delta },
    { "GET", CF "/{}", ROUTE_OUTLOOK, "contactFolder", contacts_folders_get },
    { "PATCH", CF "/{}", ROUTE_OUTLOOK, "contactFolder/update", contacts_folders_update },
    { "DELETE", CF "/{}", ROUTE_OUTLOOK, "contactFolder/delete", contacts_folders_delete },
    { "GET", CF "/{}/childFolders", ROUTE_OUTLOOK, "contactFolders", contacts_folders_list },
    { "POST", CF "/{}/childFolders", ROUTE_OUTLOOK, "contactFolders/create", contacts_folders_create },
    { "GET", CF "/{}/contacts", ROUTE_OUTLOOK, "contacts", contacts_list },
    { "POST", CF "/{}/contacts", ROUTE_OUTLOOK, "contacts/create", contacts_create },
    { "GET", CF "/{}/contacts/delta", ROUTE_OUTLOOK, "contacts/delta", contacts_delta },
    { "GET", C, ROUTE_OUTLOOK, "contacts", contacts_list },
    { "POST", C, ROUTE_OUTLOOK, "contacts/create", contacts_create },
    { "GET", C "/delta", ROUTE_OUTLOOK, "contacts/delta", contacts_delta },
    { "GET", C "/{}", ROUTE_OUTLOOK, "contact", contacts_get },
    { "PATCH", C "/{}", ROUTE_OUTLOOK, "contact/update", contacts_update },
    { "DELETE", C "/{}", ROUTE_OUTLOOK, "contact/delete", contacts_delete },
    { "GET", C "/{}/photo", ROUTE_OUTLOOK, "contact/photo", contacts_photo },
    { "GET", C "/{}/photo/$value", ROUTE_OUTLOOK, "contact/photo", contacts_photo_value },
    { "PUT", C "/{}/photo/$value", ROUTE_OUTLOOK, "contact/photo/update", contacts_photo_put },

    { "GET", CA, ROUTE_OUTLOOK, "calendars", calendars_list },
    { "POST", CA, ROUTE_OUTLOOK, "calendars/create", calendars_create },
    { "GET", CA "/{}", ROUTE_OUTLOOK, "calendar", calendars_get },
    { "PATCH", CA "/{}", ROUTE_OUTLOOK, "calendar/update", calendars_update },
    { "DELETE", CA "/{}", ROUTE_OUTLOOK, "calendar/delete", calendars_delete },
    { "GET", CA "/{}/events", ROUTE_OUTLOOK, "events", events_list },
    { "POST", CA "/{}/events", ROUTE_OUTLOOK, "events/create", events_create },
    { "GET", CA "/{}/events/delta", ROUTE_OUTLOOK, "events/delta", events_delta },
    { "GET", CA "/{}/calendarView", ROUTE_OUTLOOK, "calendarView", events_view },
    { "GET", U "/calendar", ROUTE_OUTLOOK, "calendar", calendars_get },
    { "GET", U "/calendarView", ROUTE_OUTLOOK, "calendarView", events_view },
    { "GET", E, ROUTE_OUTLOOK, "events", events_list },
    { "POST", E, ROUTE_OUTLOOK, "events/create", events_create },
    { "GET", E "/{}", ROUTE_OUTLOOK, "event", events_get },
    { "PATCH", E "/{}", ROUTE_OUTLOOK, "event/update", events_update },
    { "DELETE", E "/{}", ROUTE_OUTLOOK, "event/delete", events_delete },
    { "GET", E "/{}/instances", ROUTE_OUTLOOK, "event/instances", events_instances },
    { "GET", E "/{}/attachments", ROUTE_OUTLOOK, "attachments", attachment_handle_list },
    { "POST", E "/{}/attachments", ROUTE_OUTLOOK, "attachments/create", attachment_handle_create },
    { "POST", E "/{}/attachments/createUploadSession", ROUTE_OUTLOOK, "attachments/session",
      attachment_handle_session },
    { "GET", E "/{}/attachments/{}", ROUTE_OUTLOOK, "attachment", attachment_handle_get },
    { "DELETE", E "/{}/attachments/{}", ROUTE_OUTLOOK, "attachment/delete", attachment_handle_delete },
    { "GET", E "/{}/attachments/{}/$value", ROUTE_OUTLOOK, "attachment/$value", attachment_handle_value },

    { "GET", U "/drives", ROUTE_DRIVE, "drives", drive_handle_user_list },
    { NULL, U "/drive/**", ROUTE_DRIVE, "drive", drive_handle_user },
    { "GET", "/v1.0/sites/{}/drives", ROUTE_DRIVE, "drives", drive_handle_site_list },
    { NULL, "/v1.0/sites/{}/drive/**", ROUTE_DRIVE, "drive", drive_handle_site },
    { NULL, "/v1.0/drives/{}/**", ROUTE_DRIVE, "drive", drive_handle },
};

const struct route *
routes_table(size_t *count)
{
    *count = ARRAY_LEN(table);
    return table;
}

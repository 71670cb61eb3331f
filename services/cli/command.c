/* The table of all commands: names, arguments, options and who does it. Help and shell completion are made from it. */
#include "commands.h"

#define FLAG(name, letter, help)                                                                                       \
	{ name, letter, CLI_FLAG, NULL, NULL, CL_TEXT_CLI_##help }
#define VALUE(name, letter, value, help)                                                                               \
	{ name, letter, CLI_VALUE, value, NULL, CL_TEXT_CLI_##help }
#define LIST(name, letter, value, help)                                                                                \
	{ name, letter, CLI_LIST, value, NULL, CL_TEXT_CLI_##help }
#define FIELD(name, value, field, help)                                                                                \
	{ name, 0, CLI_VALUE, value, field, CL_TEXT_CLI_##help }
#define FIELDS(name, value, field, help)                                                                               \
	{ name, 0, CLI_LIST, value, field, CL_TEXT_CLI_##help }
#define BOOLEAN(name, field, help)                                                                                     \
	{ name, 0, CLI_FLAG, NULL, field, CL_TEXT_CLI_##help }
#define OPTIONS(array) .options = (array), .option_n = sizeof(array) / sizeof(*(array))

const struct cli_option cli_global_options[] = {
        VALUE("dir", 'd', "DIR", O_DIR), VALUE("config", 'c', "FILE", O_CONFIG), VALUE("lang", 0, "vi|en", O_LANG),
        FLAG("json", 0, O_JSON),         VALUE("who", 'w', "STAFF", O_WHO),      FLAG("quiet", 'q', O_QUIET),
        FLAG("help", 'h', O_HELP),       FLAG("version", 0, O_VERSION),
};
const uint32_t cli_global_option_n = sizeof(cli_global_options) / sizeof(*cli_global_options);

#define AT VALUE("at", 0, "TIME", O_AT)
#define TEXT_OPTION(help) FIELD("text", "TEXT", "text", help)

static const struct cli_option up_options[] = {FLAG("detach", 0, O_DETACH),
                                               FLAG("foreground-logs", 0, O_FOREGROUND_LOGS),
                                               VALUE("timeout", 0, "SECONDS", O_UP_TIMEOUT)};
static const struct cli_option down_options[] = {VALUE("timeout", 0, "SECONDS", O_DOWN_TIMEOUT)};
static const struct cli_option status_options[] = {VALUE("timeout", 0, "MS", O_STATUS_TIMEOUT)};
static const struct cli_option contact_options[] = {
        FIELD("channel", "CHANNEL", "channel", O_CHANNEL),
        FIELD("name", "NAME", "name", O_NAME),
        FIELD("phone", "PHONE", "phone", O_PHONE),
        FIELD("email", "EMAIL", "email", O_EMAIL),
        FIELD("subject", "TEXT", "subject", O_SUBJECT),
        TEXT_OPTION(O_SAID),
        FIELD("product", "PRODUCT", "product", O_PRODUCT),
        FIELD("quantity", "N", "quantity", O_QUANTITY),
        FIELD("category", "CATEGORY", "category", O_CATEGORY),
        FIELD("urgency", "LEVEL", "urgency", O_URGENCY),
        FIELD("importance", "LEVEL", "importance", O_IMPORTANCE),
        FIELD("customer-effect", "LEVEL", "customer_effect", O_CUSTOMER_EFFECT),
        FIELD("business-effect", "LEVEL", "business_effect", O_BUSINESS_EFFECT),
        FIELD("received-by", "STAFF", "received_by", O_RECEIVED_BY),
        FIELD("source-key", "KEY", "source_key", O_SOURCE_KEY),
        BOOLEAN("imported", "imported", O_IMPORTED),
        AT};
static const struct cli_option list_options[] = {VALUE("status", 0, "STATUS,…", O_LIST_STATUS),
                                                 VALUE("category", 0, "CATEGORY,…", O_LIST_CATEGORY),
                                                 VALUE("priority", 0, "LEVEL,…", O_LIST_PRIORITY),
                                                 VALUE("department", 0, "CODE", O_LIST_DEPARTMENT),
                                                 VALUE("person", 0, "STAFF", O_LIST_PERSON),
                                                 VALUE("sort", 0, "received|due|priority|found", O_LIST_SORT),
                                                 VALUE("limit", 0, "N", O_LIST_LIMIT),
                                                 VALUE("after", 0, "PLACE", O_LIST_AFTER)};
static const struct cli_option view_options[] = {VALUE("as-of", 0, "TIME", O_AS_OF),
                                                 VALUE("known-at", 0, "TIME", O_KNOWN_AT)};
static const struct cli_option text_options[] = {TEXT_OPTION(O_TEXT), AT};
static const struct cli_option propose_options[] = {TEXT_OPTION(O_PROPOSAL),
                                                    FIELDS("option", "TEXT", "options", O_OPTION),
                                                    FIELD("until", "TIME", "until", O_UNTIL_ANSWER), AT};
static const struct cli_option agree_options[] = {TEXT_OPTION(O_ANSWERED),
                                                  FIELD("option", "N", "option", O_OPTION_CHOSEN), AT};
static const struct cli_option close_options[] = {FIELD("outcome", "OUTCOME", "outcome", O_OUTCOME),
                                                  FIELD("result", "TEXT", "result", O_RESULT), AT};
static const struct cli_option wait_options[] = {TEXT_OPTION(O_ASKED), FIELD("until", "TIME", "until", O_UNTIL_ANSWER),
                                                 AT};
static const struct cli_option assign_options[] = {FIELD("person", "STAFF", "person", O_TO_PERSON),
                                                   FIELD("department", "CODE", "department", O_TO_DEPARTMENT),
                                                   TEXT_OPTION(O_REASON), AT};
static const struct cli_option assess_options[] = {FIELD("priority", "LEVEL", "priority", O_PRIORITY),
                                                   TEXT_OPTION(O_REASON), AT};
static const struct cli_option reclassify_options[] = {
        FIELD("category", "CATEGORY", "category", O_CATEGORY),
        FIELD("urgency", "LEVEL", "urgency", O_URGENCY),
        FIELD("importance", "LEVEL", "importance", O_IMPORTANCE),
        FIELD("customer-effect", "LEVEL", "customer_effect", O_CUSTOMER_EFFECT),
        FIELD("business-effect", "LEVEL", "business_effect", O_BUSINESS_EFFECT),
        FIELD("reason", "TEXT", "reason", O_REASON)};
static const struct cli_option work_assign_options[] = {FIELD("person", "STAFF", "person", O_TO_PERSON),
                                                        FIELD("department", "CODE", "department", O_TO_DEPARTMENT),
                                                        FIELD("reason", "TEXT", "reason", O_REASON)};
static const struct cli_option note_options[] = {FIELD("note", "TEXT", "note", O_TEXT)};
static const struct cli_option lines_options[] = {LIST("line", 'l', "SKU:QUANTITY[:PRICE[:NAME]]", O_LINE),
                                                  FIELD("address", "TEXT", "address", O_ADDRESS)};
static const struct cli_option ship_options[] = {FIELD("carrier", "NAME", "carrier", O_CARRIER),
                                                 FIELD("tracking", "CODE", "tracking", O_TRACKING)};
static const struct cli_option reason_options[] = {FIELD("reason", "TEXT", "reason", O_REASON)};
static const struct cli_option stock_options[] = {FIELD("name", "NAME", "name", O_PRODUCT)};
static const struct cli_option department_options[] = {FIELD("name", "NAME", "name", O_DEPARTMENT_NAME),
                                                       FIELD("supervisor", "STAFF", "supervisor", O_SUPERVISOR)};
static const struct cli_option person_options[] = {FIELD("name", "NAME", "name", O_PERSON_NAME),
                                                   FIELD("department", "CODE", "department", O_DEPARTMENT),
                                                   FIELD("position", "TEXT", "position", O_POSITION),
                                                   FIELD("contact", "TEXT", "contact", O_CONTACT),
                                                   FIELDS("skill", "SKILL", "skills", O_SKILL),
                                                   FIELD("capacity", "N", "capacity", O_CAPACITY),
                                                   BOOLEAN("absent", "absent", O_ABSENT)};
static const struct cli_option import_options[] = {VALUE("map", 'm', "MAP", O_MAP), VALUE("window", 0, "N", O_WINDOW),
                                                   FLAG("check", 0, O_CHECK_ONLY),
                                                   VALUE("timeout", 0, "SECONDS", O_IMPORT_TIMEOUT)};
static const struct cli_option verify_options[] = {VALUE("anchors", 0, "DIR", O_ANCHORS)};
static const struct cli_option tail_options[] = {VALUE("lines", 'n', "N", O_LINES), FLAG("follow", 'f', O_FOLLOW)};
static const struct cli_option repair_options[] = {VALUE("service", 0, "SERVICE", O_SERVICE),
                                                   VALUE("partition", 0, "N", O_PARTITION)};
static const struct cli_option replay_options[] = {VALUE("until", 0, "TIME|N", O_UNTIL)};
static const struct cli_option subscribe_options[] = {VALUE("from", 0, "N", O_FROM), LIST("type", 't', "TYPE", O_TYPE),
                                                      VALUE("customer", 0, "ID", O_CUSTOMER),
                                                      FLAG("until-head", 0, O_UNTIL_HEAD)};
static const struct cli_option export_options[] = {VALUE("format", 0, "ndjson|csv|xes", O_FORMAT),
                                                   VALUE("out", 'o', "FILE", O_OUT)};

#define SLIP_COMMAND(variable, path_, arguments_, help_, kind_, name, text, array)                                     \
	static const struct cli_command variable = {.path = (path_),                                                   \
	                                            .arguments = (arguments_),                                         \
	                                            .help = CL_TEXT_CLI_##help_,                                       \
	                                            .min_args = 1,                                                     \
	                                            .max_args = (text) ? 1000 : 1,                                     \
	                                            .run = cli_cmd_on_slip,                                            \
	                                            .schema = &cl_schema_##name,                                       \
	                                            .kind = CL_KIND_##kind_,                                           \
	                                            .text_field = (text),                                              \
	                                            OPTIONS(array)};
#define NO_TEXT ((const char *)0)
SLIP_COMMAND(case_work_, "case work", "NUMBER [TEXT|-]", C_CASE_WORK, CASE, case_work, "text", text_options)
SLIP_COMMAND(case_note_, "case note", "NUMBER [TEXT|-]", C_CASE_NOTE, CASE, case_note, "text", text_options)
SLIP_COMMAND(case_propose_, "case propose", "NUMBER [TEXT|-]", C_CASE_PROPOSE, CASE, case_propose, "text",
             propose_options)
SLIP_COMMAND(case_agree_, "case agree", "NUMBER [TEXT|-]", C_CASE_AGREE, CASE, case_agree, "text", agree_options)
SLIP_COMMAND(case_disagree_, "case disagree", "NUMBER [TEXT|-]", C_CASE_DISAGREE, CASE, case_disagree, "text",
             text_options)
SLIP_COMMAND(case_close_, "case close", "NUMBER [RESULT|-]", C_CASE_CLOSE, CASE, case_close, "result", close_options)
SLIP_COMMAND(case_wait_, "case wait", "NUMBER [TEXT|-]", C_CASE_WAIT, CASE, case_wait, "text", wait_options)
SLIP_COMMAND(case_hold_, "case hold", "NUMBER [TEXT|-]", C_CASE_HOLD, CASE, case_hold, "text", text_options)
SLIP_COMMAND(case_assign_, "case assign", "NUMBER [TEXT|-]", C_CASE_ASSIGN, CASE, case_assign, "text", assign_options)
SLIP_COMMAND(case_assess_, "case assess", "NUMBER [TEXT|-]", C_CASE_ASSESS, CASE, case_assess, "text", assess_options)
SLIP_COMMAND(case_reopen_, "case reopen", "NUMBER [TEXT|-]", C_CASE_REOPEN, CASE, case_reopen, "text", text_options)
SLIP_COMMAND(work_acknowledge_, "work acknowledge", "NUMBER [NOTE|-]", C_WORK_ACKNOWLEDGE, WORK_ITEM, work_acknowledge,
             "note", note_options)
SLIP_COMMAND(work_assign_, "work assign", "NUMBER", C_WORK_ASSIGN, WORK_ITEM, work_assign, NO_TEXT, work_assign_options)
SLIP_COMMAND(order_place_, "order place", "NUMBER [NOTE|-]", C_ORDER_PLACE, ORDER, order_place, "note", note_options)
SLIP_COMMAND(order_pack_, "order pack", "NUMBER [NOTE|-]", C_ORDER_PACK, ORDER, order_pack, "note", note_options)
SLIP_COMMAND(order_ship_, "order ship", "NUMBER", C_ORDER_SHIP, ORDER, order_ship, NO_TEXT, ship_options)
SLIP_COMMAND(order_deliver_, "order deliver", "NUMBER [NOTE|-]", C_ORDER_DELIVER, ORDER, order_deliver, "note",
             note_options)
SLIP_COMMAND(order_cancel_, "order cancel", "NUMBER [REASON|-]", C_ORDER_CANCEL, ORDER, order_cancel, "reason",
             reason_options)

#define COMMAND(variable, path_, arguments_, help_, min, max, run_, ...)                                               \
	static const struct cli_command variable = {.path = (path_),                                                   \
	                                            .arguments = (arguments_),                                         \
	                                            .help = CL_TEXT_CLI_##help_,                                       \
	                                            .min_args = (min),                                                 \
	                                            .max_args = (max),                                                 \
	                                            .run = (run_),                                                     \
	                                            __VA_ARGS__};
COMMAND(up_, "up", "", C_UP, 0, 0, cli_cmd_up, OPTIONS(up_options))
COMMAND(down_, "down", "", C_DOWN, 0, 0, cli_cmd_down, OPTIONS(down_options))
COMMAND(status_, "status", "", C_STATUS, 0, 0, cli_cmd_status, OPTIONS(status_options))
COMMAND(configure_, "configure defaults", "", C_CONFIGURE, 0, 0, cli_cmd_configure_defaults, .option_n = 0)
COMMAND(contact_, "contact add", "", C_CONTACT_ADD, 0, 0, cli_cmd_contact_add, OPTIONS(contact_options))
COMMAND(case_list_, "case list", "[WORDS]", C_CASE_LIST, 0, 1, cli_cmd_case_list, OPTIONS(list_options))
COMMAND(case_show_, "case show", "NUMBER", C_CASE_SHOW, 1, 1, cli_cmd_case_show, OPTIONS(view_options))
COMMAND(reclassify_, "case reclassify", "NUMBER", C_CASE_RECLASSIFY, 1, 1, cli_cmd_request_reclassify,
        OPTIONS(reclassify_options))
COMMAND(order_show_, "order show", "NUMBER", C_ORDER_SHOW, 1, 1, cli_cmd_order_show, OPTIONS(view_options))
COMMAND(order_lines_, "order set-lines", "NUMBER", C_ORDER_LINES, 1, 1, cli_cmd_order_set_lines, OPTIONS(lines_options))
COMMAND(stock_receive_, "stock receive", "SKU QUANTITY", C_STOCK_RECEIVE, 2, 2, cli_cmd_stock_receive,
        OPTIONS(stock_options))
COMMAND(stock_show_, "stock show", "SKU", C_STOCK_SHOW, 1, 1, cli_cmd_stock_show, OPTIONS(view_options))
COMMAND(department_add_, "department add", "CODE", C_DEPARTMENT_ADD, 1, 1, cli_cmd_department_add,
        OPTIONS(department_options))
COMMAND(department_show_, "department show", "CODE", C_DEPARTMENT_SHOW, 1, 1, cli_cmd_department_show,
        OPTIONS(view_options))
COMMAND(person_add_, "person add", "STAFF", C_PERSON_ADD, 1, 1, cli_cmd_person_add, OPTIONS(person_options))
COMMAND(person_show_, "person show", "STAFF", C_PERSON_SHOW, 1, 1, cli_cmd_person_show, OPTIONS(view_options))
COMMAND(customer_show_, "customer show", "ID|PHONE|EMAIL", C_CUSTOMER_SHOW, 1, 1, cli_cmd_customer_show,
        OPTIONS(view_options))
COMMAND(customer_merge_, "customer merge", "ID|PHONE|EMAIL INTO", C_CUSTOMER_MERGE, 2, 2, cli_cmd_customer_merge,
        OPTIONS(reason_options))
COMMAND(customer_unmerge_, "customer unmerge", "ID", C_CUSTOMER_UNMERGE, 1, 1, cli_cmd_customer_unmerge,
        OPTIONS(reason_options))
COMMAND(report_, "report record", "NUMBER", C_REPORT, 1, 1, cli_cmd_report_record, .option_n = 0)
COMMAND(import_, "import", "FILE", C_IMPORT, 1, 1, cli_cmd_import, OPTIONS(import_options))
COMMAND(export_, "export", "", C_EXPORT, 0, 0, cli_cmd_export, OPTIONS(export_options))
COMMAND(subscribe_, "subscribe", "", C_SUBSCRIBE, 0, 0, cli_cmd_subscribe, OPTIONS(subscribe_options))
COMMAND(log_stat_, "log stat", "[LOG]", C_LOG_STAT, 0, 1, cli_cmd_log_stat, .option_n = 0)
COMMAND(log_verify_, "log verify", "[LOG]", C_LOG_VERIFY, 0, 1, cli_cmd_log_verify, OPTIONS(verify_options))
COMMAND(log_tail_, "log tail", "[LOG]", C_LOG_TAIL, 0, 1, cli_cmd_log_tail, OPTIONS(tail_options))
COMMAND(log_repair_, "log repair", "", C_LOG_REPAIR, 0, 0, cli_cmd_log_repair, OPTIONS(repair_options))
COMMAND(replay_, "replay", "[LOG]", C_REPLAY, 0, 1, cli_cmd_replay, OPTIONS(replay_options))
COMMAND(token_create_, "token create", "NAME", C_TOKEN_CREATE, 1, 1, cli_cmd_token_create, .option_n = 0)
COMMAND(token_list_, "token list", "", C_TOKEN_LIST, 0, 0, cli_cmd_token_list, .option_n = 0)
COMMAND(token_revoke_, "token revoke", "NAME", C_TOKEN_REVOKE, 1, 1, cli_cmd_token_revoke, .option_n = 0)
COMMAND(completion_, "completion bash", "", C_COMPLETION, 0, 0, cli_help_bash, .option_n = 0)

const struct cli_command *const cli_commands[] = {
        &up_,
        &down_,
        &status_,
        &configure_,
        &contact_,
        &case_list_,
        &case_show_,
        &case_work_,
        &case_propose_,
        &case_agree_,
        &case_disagree_,
        &case_close_,
        &case_note_,
        &case_wait_,
        &case_hold_,
        &case_assign_,
        &case_assess_,
        &case_reopen_,
        &reclassify_,
        &work_acknowledge_,
        &work_assign_,
        &order_show_,
        &order_lines_,
        &order_place_,
        &order_pack_,
        &order_ship_,
        &order_deliver_,
        &order_cancel_,
        &stock_receive_,
        &stock_show_,
        &department_add_,
        &department_show_,
        &person_add_,
        &person_show_,
        &customer_show_,
        &customer_merge_,
        &customer_unmerge_,
        &report_,
        &import_,
        &export_,
        &subscribe_,
        &log_stat_,
        &log_verify_,
        &log_tail_,
        &log_repair_,
        &replay_,
        &token_create_,
        &token_list_,
        &token_revoke_,
        &completion_,
};
const uint32_t cli_command_n = sizeof(cli_commands) / sizeof(cli_commands[0]);

/* What the table of commands (command.c) points to. Each returns an exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

int cli_cmd_up(struct cli *cli);
int cli_cmd_down(struct cli *cli);
int cli_cmd_status(struct cli *cli);

int cli_cmd_contact_add(struct cli *cli);
int cli_cmd_on_slip(struct cli *cli); /* a command to an actor that shares the slip's id */
int cli_cmd_case_list(struct cli *cli);
int cli_cmd_case_show(struct cli *cli);
int cli_cmd_report_record(struct cli *cli);

int cli_cmd_order_set_lines(struct cli *cli);
int cli_cmd_order_show(struct cli *cli);
int cli_cmd_stock_receive(struct cli *cli);
int cli_cmd_stock_show(struct cli *cli);
int cli_cmd_department_add(struct cli *cli);
int cli_cmd_department_show(struct cli *cli);
int cli_cmd_person_add(struct cli *cli);
int cli_cmd_person_show(struct cli *cli);
int cli_cmd_customer_show(struct cli *cli);
int cli_cmd_customer_merge(struct cli *cli);
int cli_cmd_customer_unmerge(struct cli *cli);
int cli_cmd_request_reclassify(struct cli *cli);
int cli_cmd_configure_defaults(struct cli *cli);

int cli_cmd_import(struct cli *cli);
int cli_cmd_log_stat(struct cli *cli);
int cli_cmd_log_verify(struct cli *cli);
int cli_cmd_log_tail(struct cli *cli);
int cli_cmd_log_repair(struct cli *cli);
int cli_cmd_replay(struct cli *cli);
int cli_cmd_subscribe(struct cli *cli);
int cli_cmd_export(struct cli *cli);

int cli_cmd_token_create(struct cli *cli);
int cli_cmd_token_list(struct cli *cli);
int cli_cmd_token_revoke(struct cli *cli);

#endif

/* Options and arguments to the fields of a command, by the schema's rows: the schema bounds them, not the command line.
 */
#include <stdlib.h>

#include "cli.h"

static const struct cl_field *field_named(const struct cl_schema *schema, const char *name) {
	for (uint32_t i = 0; i < schema->n; i++)
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	return NULL;
}

static const char *enum_codes(const struct cli *cli, const struct cl_enum *en) {
	const char *list = "";
	for (uint32_t i = 0; i < en->n; i++)
		list = cli_fmt(cli, "%s%s%s", list, i ? ", " : "", en->values[i].code);
	return list;
}

static int set_number(struct cli *cli, const struct cl_field *field, void *at, const char *given_as, const char *text) {
	uint64_t value;
	uint64_t max = field->max                   ? field->max
	               : field->type == CL_TYPE_U32 ? UINT32_MAX
	               : field->type == CL_TYPE_I64 ? INT64_MAX
	                                            : UINT64_MAX;
	if (cl_str_u64(cl_str_from(text), &value) != CL_OK || value > max) {
		cli_error(cli, CL_TEXT_CLI_BAD_NUMBER, CLI_ARGS(given_as, text, cli_num(cli, max)));
		return CLI_USAGE;
	}
	if (field->type == CL_TYPE_U32)
		*(uint32_t *)at = (uint32_t)value;
	else
		memcpy(at, &value, sizeof(value));
	return CLI_OK;
}

static void add_text(struct cli *cli, struct cl_strs *list, const char *text) {
	struct cl_str *grown = cl_arena_array(cli->arena, struct cl_str, list->n + 1);
	if (list->n)
		memcpy(grown, list->v, sizeof(*grown) * list->n);
	grown[list->n] = cl_str_from(text);
	list->v = grown;
	list->n++;
}

static int bad_value(const struct cli *cli, enum cl_text id, const char *given_as, const char *text, const char *more) {
	cli_error(cli, id, CLI_ARGS(given_as, text, more));
	return CLI_USAGE;
}

int cli_set_field(struct cli *cli, const struct cl_schema *schema, void *body, const char *name, const char *given_as,
                  const char *text) {
	const struct cl_field *field = field_named(schema, name);
	void *at = field ? (uint8_t *)body + field->offset : NULL;
	const struct cl_enum_value *value;
	if (!field)
		return bad_value(cli, CL_TEXT_CLI_UNKNOWN_OPTION, given_as, "", "");
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_U64:
	case CL_TYPE_I64:
		return set_number(cli, field, at, given_as, text);
	case CL_TYPE_BOOL:
		*(bool *)at = true;
		return CLI_OK;
	case CL_TYPE_TIME:
		if (cli_time_parse(cl_str_from(text), at) != CL_OK)
			return bad_value(cli, CL_TEXT_CLI_BAD_TIME, given_as, text, "");
		return CLI_OK;
	case CL_TYPE_ID:
		if (cl_id_parse(cl_str_from(text), at) != CL_OK)
			return bad_value(cli, CL_TEXT_CLI_BAD_ID, given_as, text, "");
		return CLI_OK;
	case CL_TYPE_STR:
		*(struct cl_str *)at = cl_str_from(text);
		return CLI_OK;
	case CL_TYPE_ENUM:
		value = cl_enum_by_code(field->en, cl_str_from(text));
		if (!value)
			return bad_value(cli, CL_TEXT_CLI_BAD_CHOICE, given_as, text, enum_codes(cli, field->en));
		memcpy(at, &value->value, sizeof(value->value));
		return CLI_OK;
	case CL_TYPE_STRS:
		add_text(cli, at, text);
		return CLI_OK;
	case CL_TYPE_BYTES:
	case CL_TYPE_HASH:
	case CL_TYPE_ONE:
	case CL_TYPE_LIST:
	case CL_TYPE_IDS:
		break;
	}
	return bad_value(cli, CL_TEXT_CLI_UNKNOWN_OPTION, given_as, "", "");
}

/* Arguments behind the first are the text, joined by blanks; "-" alone reads it from stdin. */
static int fill_text(struct cli *cli, const struct cl_schema *schema, void *body) {
	const char *text = "";
	if (cli->arg_n == 2 && strcmp(cli->args[1], "-") == 0) {
		struct cl_str read;
		if (cli_read_file(cli, "-", 1 << 20, &read) != CL_OK) {
			cli_error(cli, CL_TEXT_CLI_CANNOT_READ, CLI_ARGS("-", cl_error_text(CL_E_IO)));
			return CLI_FAILED;
		}
		text = cli_cstr(cli, cl_str_trim(read));
	} else {
		for (uint32_t i = 1; i < cli->arg_n; i++)
			text = cli_fmt(cli, "%s%s%s", text, i > 1 ? " " : "", cli->args[i]);
	}
	return cli_set_field(cli, schema, body, cli->command->text_field, cli->command->text_field, text);
}

int cli_fill(struct cli *cli, const struct cl_schema *schema, void *body) {
	struct cl_field_error error;
	for (uint32_t i = 0; i < cli->given_n; i++) {
		const struct cli_option *option = cli->given[i].option;
		if (!option->field)
			continue;
		int result = cli_set_field(cli, schema, body, option->field, option->name, cli->given[i].value);
		if (result != CLI_OK)
			return result;
	}
	if (cli->command->text_field && cli->arg_n > 1) {
		int result = fill_text(cli, schema, body);
		if (result != CLI_OK)
			return result;
	}
	if (cl_validate(schema, body, &error) == CL_OK)
		return CLI_OK;
	cli_error(cli, CL_TEXT_CLI_BAD_FIELD,
	          CLI_ARGS(cli_cstr(cli, cl_field_error_text(&error, cli->lang == CL_VI ? "vi" : "en", cli->arena)),
	                   cli->command->path));
	return CLI_USAGE;
}

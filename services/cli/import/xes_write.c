#include "xes_write.h"

#include "base/time.h"

static void indent(struct cl_buf *out, unsigned depth) {
	for (unsigned i = 0; i < depth; i++)
		cl_buf_putc(out, '\t');
}

/* Attribute values: line breaks and tabs as references, or reading would turn them to blanks (XML 1.0, 3.3.3). */
static void escaped(struct cl_buf *out, struct cl_str text) {
	for (uint32_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '&')
			cl_buf_puts(out, "&amp;");
		else if (c == '<')
			cl_buf_puts(out, "&lt;");
		else if (c == '>')
			cl_buf_puts(out, "&gt;");
		else if (c == '"')
			cl_buf_puts(out, "&quot;");
		else if (c == '\n')
			cl_buf_puts(out, "&#10;");
		else if (c == '\r')
			cl_buf_puts(out, "&#13;");
		else if (c == '\t')
			cl_buf_puts(out, "&#9;");
		else if (c < 0x20)
			cl_buf_puts(out, "\xEF\xBF\xBD"); /* no XML 1.0 document can hold it (2.2) */
		else if (c == 0xEF && i + 2 < text.n && text.p[i + 1] == '\xBF' &&
		         (text.p[i + 2] == '\xBE' || text.p[i + 2] == '\xBF')) {
			cl_buf_puts(out, "\xEF\xBF\xBD"); /* U+FFFE, U+FFFF neither */
			i += 2;
		} else
			cl_buf_putc(out, (char)c);
	}
}

static void attribute(struct cl_buf *out, const char *type, const char *key, struct cl_str value) {
	cl_buf_puts(out, "\t\t\t<");
	cl_buf_puts(out, type);
	cl_buf_puts(out, " key=\"");
	escaped(out, cl_str_from(key));
	cl_buf_puts(out, "\" value=\"");
	escaped(out, value);
	cl_buf_puts(out, "\"/>\n");
}

void xes_string(struct cl_buf *out, const char *key, struct cl_str value) {
	if (value.n)
		attribute(out, "string", key, value);
}

void xes_int(struct cl_buf *out, const char *key, int64_t value) {
	cl_buf_puts(out, "\t\t\t<int key=\"");
	escaped(out, cl_str_from(key));
	cl_buf_printf(out, "\" value=\"%lld\"/>\n", (long long)value);
}

void xes_boolean(struct cl_buf *out, const char *key, bool value) {
	attribute(out, "boolean", key, value ? CL_STR("true") : CL_STR("false"));
}

void xes_date(struct cl_buf *out, const char *key, int64_t at_ms) {
	char text[CL_TIME_TEXT_BYTES];
	if (!at_ms)
		return;
	cl_time_format(at_ms, 0, text);
	attribute(out, "date", key, cl_str_from(text));
}

void xes_log_start(struct cl_buf *out, struct cl_str name) {
	static const char *const extensions[][2] = {
	        {"Concept", "concept"}, {"Lifecycle", "lifecycle"}, {"Time", "time"}, {"Organizational", "org"}};
	cl_buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	                 "<log xes.version=\"1849-2016\" xes.features=\"\" xmlns=\"http://www.xes-standard.org/\">\n");
	for (size_t i = 0; i < 4; i++)
		cl_buf_printf(
		        out, "\t<extension name=\"%s\" prefix=\"%s\" uri=\"http://www.xes-standard.org/%s.xesext\"/>\n",
		        extensions[i][0], extensions[i][1], extensions[i][1]);
	cl_buf_puts(out, "\t<classifier name=\"Activity\" keys=\"concept:name lifecycle:transition\"/>\n");
	attribute(out, "string", "concept:name", name);
}

void xes_log_end(struct cl_buf *out) {
	cl_buf_puts(out, "</log>\n");
}

void xes_trace_start(struct cl_buf *out, struct cl_str name) {
	indent(out, 1);
	cl_buf_puts(out, "<trace>\n");
	attribute(out, "string", "concept:name", name);
}

void xes_trace_end(struct cl_buf *out) {
	indent(out, 1);
	cl_buf_puts(out, "</trace>\n");
}

void xes_event_start(struct cl_buf *out, struct cl_str activity, struct cl_str transition, struct cl_str resource,
                     int64_t at_ms) {
	indent(out, 2);
	cl_buf_puts(out, "<event>\n");
	attribute(out, "string", "concept:name", activity);
	xes_string(out, "lifecycle:transition", transition);
	xes_string(out, "org:resource", resource);
	xes_date(out, "time:timestamp", at_ms);
}

void xes_event_end(struct cl_buf *out) {
	indent(out, 2);
	cl_buf_puts(out, "</event>\n");
}

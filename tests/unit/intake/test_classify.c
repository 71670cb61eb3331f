#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intake/classify.h"
#include "intake/intake.h"
#include "intake/priority.h"
#include "intake/words.h"

static struct cl_arena arena;

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 4096);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

static bool found_in(const char *text, const char *phrase) {
	struct intake_words a = intake_words_of(cl_str_from(text), (struct cl_str){0}, &arena);
	struct intake_words b = intake_words_of(cl_str_from(phrase), (struct cl_str){0}, &arena);
	bool found = intake_words_find(&a, &b);
	assert_true(!found || intake_words_may_hold(&a, cl_str_from(phrase)));
	return found;
}

static void marks_count_where_both_have_them(void **state) {
	(void)state;
	assert_true(found_in("máy bị hỏng rồi", "hỏng"));
	assert_true(found_in("MÁY BỊ HỎNG RỒI", "hỏng"));
	assert_true(found_in("may bi hong roi", "hỏng"));
	assert_true(found_in("máy bị hỏng rồi", "hong"));
	assert_false(found_in("chị Hồng gọi", "hỏng"));
	assert_true(found_in("chi Hong goi", "hỏng")); /* who writes no marks leaves it open */
	assert_true(found_in("don hang", "đơn hàng"));
	assert_true(found_in("ĐƠN HÀNG", "đơn hàng"));
	assert_true(found_in("Ðơn hàng", "đơn hàng")); /* U+00D0 */
	assert_true(found_in("kiện ra toà", "kiện ra tòa"));
	assert_false(found_in("lợi ích", "lỗi"));
}

static void decomposed_text_is_the_same_text(void **state) {
	(void)state;
	assert_true(found_in("ma\xcc\x81y ho\xcc\x89ng", "máy hỏng"));
	assert_true(found_in("kho\xcc\x82ng le\xcc\x82n nguo\xcc\x82\xcc\x80n", "không lên nguồn"));
	assert_true(found_in("không lên nguồn", "kho\xcc\x82ng le\xcc\x82n nguo\xcc\x82\xcc\x80n"));
	assert_true(found_in("đo\xcc\x9b"
	                     "n ha\xcc\x80ng",
	                     "đơn hàng"));
	assert_false(found_in("ho\xcc\x82\xcc\x80ng", "hỏng"));
}

static void phrases_end_at_words(void **state) {
	(void)state;
	assert_true(found_in("(đơn-hàng)!", "đơn hàng"));
	assert_true(found_in("“đơn hàng”…", "đơn hàng"));
	assert_true(found_in("đơn\n  hàng", "đơn hàng"));
	assert_false(found_in("đơn giá, hàng", "đơn hàng"));
	assert_false(found_in("orders", "order"));
	assert_false(found_in("reorder", "order"));
	assert_true(found_in("It doesn't work.", "doesn't work"));
	assert_false(found_in("hàng đơn", "đơn hàng"));
	assert_false(found_in("đơn", "đơn hàng"));
	assert_false(found_in("gì cũng được", ""));
	assert_false(found_in("", "đơn"));
	assert_false(found_in("日本語", "日本"));
	assert_true(found_in("日本 語", "日本"));
	assert_true(found_in("lỗi E-42", "e 42"));
	struct intake_words both = intake_words_of(CL_STR("về đơn"), CL_STR("hàng xóm"), &arena);
	struct intake_words phrase = intake_words_of(CL_STR("đơn hàng"), (struct cl_str){0}, &arena);
	assert_false(intake_words_find(&both, &phrase)); /* title and text are two */
}

/* Every Vietnamese letter, against the folding that the rest of careloop uses. */
static void folds_as_everything_else_does(void **state) {
	(void)state;
	static const char *const letters = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
	                                   "AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬEÈẺẼÉẸÊỀỂỄẾỆIÌỈĨÍỊOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢUÙỦŨÚỤƯỪỬỮỨỰYỲỶỸÝỴĐ";
	struct cl_str s = cl_str_from(letters);
	char folded[512];
	size_t n = cl_fold_vi(s, folded, sizeof(folded));
	struct intake_words words = intake_words_of(s, (struct cl_str){0}, &arena);
	assert_int_equal(words.n, 1);
	assert_int_equal(words.v[0].folded.n, n);
	assert_memory_equal(words.v[0].folded.p, folded, n);
}

static void any_bytes_stay_within_bounds(void **state) {
	(void)state;
	uint64_t rng = 7;
	for (int round = 0; round < 20000; round++) {
		char text[48];
		for (size_t i = 0; i < sizeof(text); i++) {
			rng = rng * 6364136223846793005u + 1442695040888963407u;
			text[i] = (char)(rng >> (round % 2 ? 56 : 57));
		}
		struct cl_arena small;
		cl_arena_init(&small, 64);
		struct intake_words words =
		        intake_words_of((struct cl_str){text, 20}, (struct cl_str){text + 20, 28}, &small);
		size_t bytes = 0;
		for (uint32_t i = 0; i < words.n; i++) {
			bytes += words.v[i].folded.n;
			assert_true(words.v[i].exact.n <= sizeof(text));
		}
		assert_true(words.n < 2 || words.v[0].folded.n == 0 ||
		            intake_words_may_hold(&words, (struct cl_str){text, 20}));
		assert_true(bytes <= sizeof(text) && words.n <= sizeof(text) / 2 + 3);
		cl_arena_done(&small);
	}
}

static struct intake_class classified(const struct contact_register *contact) {
	const struct intake_configure *defaults = intake_defaults(&arena);
	struct intake_class class = {0};
	intake_classify(defaults->rules.v, defaults->rules.n, contact, &arena, &class);
	return class;
}

static void default_rules_in_both_languages(void **state) {
	(void)state;
	static const struct {
		const char *text;
		enum category category;
		enum level priority;
		const char *by;
	} rows[] = {
	        {"Tôi muốn đặt mua 2 máy lọc nước", CATEGORY_ORDER, LEVEL_MEDIUM, "rule:Đơn hàng"},
	        {"toi muon dat mua 2 may loc nuoc", CATEGORY_ORDER, LEVEL_MEDIUM, "rule:Đơn hàng"},
	        {"Cho hỏi đơn hàng của tôi đến đâu rồi?", CATEGORY_ORDER, LEVEL_MEDIUM, "rule:Đơn hàng"},
	        {"Where is my order?", CATEGORY_ORDER, LEVEL_MEDIUM, "rule:Đơn hàng"},
	        {"Máy không lên nguồn", CATEGORY_TECHNICAL, LEVEL_MEDIUM, "rule:Hỏng, lỗi"},
	        {"May khong len nguon, can gap", CATEGORY_TECHNICAL, LEVEL_HIGH, "rule:Hỏng, lỗi"},
	        {"Màn hình bị lỗi, còn bảo hành không?", CATEGORY_TECHNICAL, LEVEL_MEDIUM, "rule:Hỗ trợ kỹ thuật"},
	        {"The printer is not working", CATEGORY_TECHNICAL, LEVEL_MEDIUM, "rule:Hỏng, lỗi"},
	        {"Tôi khiếu nại về đơn hàng giao thiếu", CATEGORY_COMPLAINT, LEVEL_HIGH, "rule:Khiếu nại"},
	        {"khieu nai thai do nhan vien", CATEGORY_COMPLAINT, LEVEL_HIGH, "rule:Khiếu nại"},
	        {"Nhân viên có thái độ không tốt", CATEGORY_COMPLAINT, LEVEL_HIGH, "rule:Khiếu nại"},
	        {"Yêu cầu bồi thường thiệt hại", CATEGORY_COMPLAINT, LEVEL_HIGH, "rule:Đòi bồi thường"},
	        {"Ổ cắm bị chập điện", CATEGORY_COMPLAINT, LEVEL_HIGH, "rule:Nguy hiểm"},
	        {"I want to complain, this is unacceptable", CATEGORY_COMPLAINT, LEVEL_HIGH, "rule:Khiếu nại"},
	        {"Sản phẩm này giá bao nhiêu?", CATEGORY_PRODUCT, LEVEL_MEDIUM, "rule:Yêu cầu về sản phẩm"},
	        {"san pham nay gia bao nhieu", CATEGORY_PRODUCT, LEVEL_MEDIUM, "rule:Yêu cầu về sản phẩm"},
	        {"How much is it?", CATEGORY_PRODUCT, LEVEL_MEDIUM, "rule:Yêu cầu về sản phẩm"},
	        {"Xin góp ý để cửa hàng tốt hơn", CATEGORY_FEEDBACK, LEVEL_LOW, "rule:Góp ý"},
	        {"A suggestion for your shop", CATEGORY_FEEDBACK, LEVEL_LOW, "rule:Góp ý"},
	        {"Cho hỏi cửa hàng mở cửa khi nào?", CATEGORY_QUESTION, LEVEL_MEDIUM, "rule:Thắc mắc"},
	        {"How do I change my address?", CATEGORY_QUESTION, LEVEL_MEDIUM, "rule:Thắc mắc"},
	        {"How do I change my address? No rush.", CATEGORY_QUESTION, LEVEL_LOW, "rule:Thắc mắc"},
	        {"Xin chào", CATEGORY_QUESTION, LEVEL_MEDIUM, "default"},
	        {"", CATEGORY_QUESTION, LEVEL_MEDIUM, "default"},
	};
	const struct intake_configure *defaults = intake_defaults(&arena);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct contact_register contact = {.channel = CHANNEL_PHONE, .text = cl_str_from(rows[i].text)};
		struct intake_class class = classified(&contact);
		uint32_t row;
		enum level priority = intake_priority(defaults->priorities.v, defaults->priorities.n, &class, &row);
		if (class.value[INTAKE_CATEGORY] != rows[i].category || priority != rows[i].priority ||
		    !cl_str_eqc(class.by[INTAKE_CATEGORY], rows[i].by))
			fail_msg("%s: category %u, priority %u by " CL_STR_FMT, rows[i].text,
			         class.value[INTAKE_CATEGORY], (unsigned)priority,
			         CL_STR_ARG(class.by[INTAKE_CATEGORY]));
	}
	struct contact_register shop = {.channel = CHANNEL_MARKETPLACE, .subject = CL_STR("Xin chào")};
	assert_int_equal(classified(&shop).value[INTAKE_CATEGORY], CATEGORY_ORDER);
}

static void first_match_wins_for_each_attribute(void **state) {
	(void)state;
	struct cl_str printer[] = {CL_STR("máy in")}, ink[] = {CL_STR("mực")};
	struct classification_rule rules[] = {
	        {.name = CL_STR("A"), .words = {printer, 1}, .urgency = LEVEL_HIGH},
	        {.name = CL_STR("B"), .words = {ink, 1}, .category = CATEGORY_ORDER, .urgency = LEVEL_LOW},
	        {.name = CL_STR("C"),
	         .product = CL_STR("HP Laser"),
	         .category = CATEGORY_TECHNICAL,
	         .importance = LEVEL_LOW},
	        {.name = CL_STR("D"), .channel = CHANNEL_EMAIL, .customer_effect = LEVEL_LOW},
	};
	struct contact_register contact = {
	        .channel = CHANNEL_EMAIL, .subject = CL_STR("Mực máy in"), .product = CL_STR("hp laser")};
	struct intake_class class = {.value[INTAKE_BUSINESS_EFFECT] = LEVEL_HIGH,
	                             .by[INTAKE_BUSINESS_EFFECT] = CL_STR("agent:an")};
	intake_classify(rules, 4, &contact, &arena, &class);
	static const uint32_t want[INTAKE_ATTRIBUTES] = {CATEGORY_ORDER, LEVEL_HIGH, LEVEL_LOW, LEVEL_LOW, LEVEL_HIGH};
	static const char *const by[INTAKE_ATTRIBUTES] = {"rule:B", "rule:A", "rule:C", "rule:D", "agent:an"};
	for (int i = 0; i < INTAKE_ATTRIBUTES; i++) {
		assert_int_equal(class.value[i], want[i]);
		assert_true(cl_str_eqc(class.by[i], by[i]));
	}
	struct request_classified event = {0};
	intake_class_write(&class, (struct cl_str){0}, &event);
	assert_true(cl_str_eqc(event.decided_by, "rule:B"));
	assert_int_equal(event.category_by.n, 0);
	assert_true(cl_str_eqc(event.urgency_by, "rule:A"));
	contact.channel = CHANNEL_CHAT;
	contact.product = CL_STR("HP");
	class = (struct intake_class){0};
	intake_classify(rules, 4, &contact, &arena, &class);
	assert_true(cl_str_eqc(class.by[INTAKE_IMPORTANCE], "default"));
	assert_true(cl_str_eqc(class.by[INTAKE_CUSTOMER_EFFECT], "default"));
}

static void rules_that_cannot_be_used(void **state) {
	(void)state;
	struct cl_str good[] = {CL_STR("hỏng")}, bad[] = {CL_STR("hỏng"), CL_STR("?!")};
	struct classification_rule rule = {.name = CL_STR("R"), .words = {good, 1}};
	assert_false(intake_rule_valid(&rule, &arena));
	rule.business_effect = LEVEL_LOW;
	assert_true(intake_rule_valid(&rule, &arena));
	rule.words.v = bad;
	rule.words.n = 2;
	assert_false(intake_rule_valid(&rule, &arena));
}

static void first_row_of_the_table_wins(void **state) {
	(void)state;
	const struct priority_row rows[] = {
	        {.category = CATEGORY_ORDER, .urgency = LEVEL_HIGH, .priority = LEVEL_HIGH},
	        {.urgency = LEVEL_HIGH, .importance = LEVEL_LOW, .priority = LEVEL_LOW},
	        {.customer_effect = LEVEL_LOW, .business_effect = LEVEL_LOW, .priority = LEVEL_HIGH},
	};
	static const struct {
		uint32_t value[INTAKE_ATTRIBUTES];
		enum level priority;
		uint32_t row;
	} cases[] = {
	        {{CATEGORY_ORDER, LEVEL_HIGH, LEVEL_LOW, LEVEL_LOW, LEVEL_LOW}, LEVEL_HIGH, 1},
	        {{CATEGORY_QUESTION, LEVEL_HIGH, LEVEL_LOW, LEVEL_LOW, LEVEL_LOW}, LEVEL_LOW, 2},
	        {{CATEGORY_QUESTION, LEVEL_LOW, LEVEL_LOW, LEVEL_LOW, LEVEL_LOW}, LEVEL_HIGH, 3},
	        {{CATEGORY_ORDER, LEVEL_MEDIUM, LEVEL_LOW, LEVEL_LOW, LEVEL_HIGH}, LEVEL_MEDIUM, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct intake_class class = {0};
		uint32_t row;
		memcpy(class.value, cases[i].value, sizeof(class.value));
		assert_int_equal(intake_priority(rows, 3, &class, &row), cases[i].priority);
		assert_int_equal(row, cases[i].row);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(marks_count_where_both_have_them),
	        cmocka_unit_test(decomposed_text_is_the_same_text),
	        cmocka_unit_test(phrases_end_at_words),
	        cmocka_unit_test(folds_as_everything_else_does),
	        cmocka_unit_test(any_bytes_stay_within_bounds),
	        cmocka_unit_test(default_rules_in_both_languages),
	        cmocka_unit_test(first_match_wins_for_each_attribute),
	        cmocka_unit_test(rules_that_cannot_be_used),
	        cmocka_unit_test(first_row_of_the_table_wins),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

#include "base/assert.h"
#include "intake/intake.h"

#define WORDS_MAX 40 /* of a rule, as in the schema */

/* Order is meaning: the first rule that matches gives an attribute. So what is not urgent comes before what is,
 * grievance before the subject, a defect before the order that it is about, and the small words of any question last.
 * Words of one syllable that mean something else without their marks ("gấp" and "gặp") stand in phrases only. */
static const struct {
	const char *name;
	enum category category;
	enum level urgency, importance, customer_effect, business_effect;
	const char *words; /* separated by | */
} rules[] = {
        {.name = "Nguy hiểm",
         .category = CATEGORY_COMPLAINT,
         .urgency = LEVEL_HIGH,
         .importance = LEVEL_HIGH,
         .customer_effect = LEVEL_HIGH,
         .business_effect = LEVEL_HIGH,
         .words = "chập điện|rò điện|bốc khói|bốc cháy|phát nổ|cháy nổ|điện giật|ngộ độc|bị thương|"
                  "nguy hiểm|electric shock|caught fire|on fire|smoke|injured|poisoning|dangerous"},
        {.name = "Không gấp",
         .urgency = LEVEL_LOW,
         .words = "không gấp|không vội|khi nào rảnh|no rush|not urgent|no hurry|when you have time"},
        {.name = "Khẩn cấp",
         .urgency = LEVEL_HIGH,
         .words = "khẩn cấp|khẩn trương|cần gấp|rất gấp|gấp lắm|xử lý gấp|gấp gấp|ngay lập tức|"
                  "càng sớm càng tốt|ngay hôm nay|urgent|urgently|asap|as soon as possible|immediately|"
                  "emergency|right now"},
        {.name = "Đòi bồi thường",
         .category = CATEGORY_COMPLAINT,
         .urgency = LEVEL_HIGH,
         .importance = LEVEL_HIGH,
         .customer_effect = LEVEL_HIGH,
         .business_effect = LEVEL_HIGH,
         .words = "bồi thường|đền bù|khởi kiện|kiện ra tòa|tố cáo|báo công an|lừa đảo|hàng giả|hàng nhái|"
                  "báo chí|luật sư|compensation|lawsuit|lawyer|sue you|fraud|scam|counterfeit"},
        {.name = "Khiếu nại",
         .category = CATEGORY_COMPLAINT,
         .importance = LEVEL_HIGH,
         .customer_effect = LEVEL_HIGH,
         .words = "khiếu nại|phàn nàn|bức xúc|thất vọng|không hài lòng|không chấp nhận được|quá tệ|rất tệ|"
                  "tệ hại|thái độ|thiếu tôn trọng|vô trách nhiệm|hoàn tiền|trả lại tiền|giao sai|"
                  "giao thiếu|giao nhầm|complaint|complain|complaining|unacceptable|disappointed|terrible|"
                  "rude|refund|wrong item"},
        {.name = "Hỏng, lỗi",
         .category = CATEGORY_TECHNICAL,
         .customer_effect = LEVEL_HIGH,
         .words = "không lên nguồn|không hoạt động|không sử dụng được|không dùng được|không đăng nhập được|"
                  "không vào được|ngừng hoạt động|mất kết nối|treo máy|sập nguồn|not working|does not work|"
                  "doesn't work|stopped working|won't turn on|cannot log in|can't log in|crash|crashes|"
                  "crashed|outage"},
        {.name = "Hỗ trợ kỹ thuật",
         .category = CATEGORY_TECHNICAL,
         .words = "hỏng|hư hỏng|bị hư|lỗi|trục trặc|sự cố|không kết nối|không chạy|bảo hành|sửa chữa|"
                  "cài đặt|lắp đặt|kỹ thuật|kĩ thuật|nâng cấp|mật khẩu|broken|defective|error|fault|faulty|"
                  "bug|fail|failed|failure|warranty|repair|install|installation|password|incident|problem"},
        {.name = "Đơn hàng",
         .category = CATEGORY_ORDER,
         .words = "đơn hàng|đặt mua|đặt hàng|mua hàng|muốn mua|lên đơn|hủy đơn|đổi địa chỉ|giao hàng|"
                  "vận chuyển|vận đơn|mã đơn|my order|an order|order number|order status|to order|purchase|"
                  "buy|delivery|shipping|shipment|tracking number"},
        {.name = "Yêu cầu về sản phẩm",
         .category = CATEGORY_PRODUCT,
         .words = "giá bao nhiêu|bao nhiêu tiền|báo giá|bảng giá|giá cả|còn hàng|hết hàng|tư vấn|thông số|"
                  "khuyến mãi|khuyến mại|giảm giá|màu sắc|kích thước|dùng thử|catalogue|catalog|how much|"
                  "price|prices|quotation|quote|in stock|available|specification|specifications|discount|"
                  "promotion"},
        {.name = "Góp ý",
         .category = CATEGORY_FEEDBACK,
         .urgency = LEVEL_LOW,
         .importance = LEVEL_LOW,
         .customer_effect = LEVEL_LOW,
         .words = "góp ý|đóng góp ý kiến|đề xuất|đề nghị cải tiến|kiến nghị|phản hồi về|đánh giá|"
                  "rất hài lòng|khen ngợi|tuyệt vời|feedback|suggestion|suggestions|suggest|improvement|"
                  "praise|great service"},
        {.name = "Thắc mắc",
         .category = CATEGORY_QUESTION,
         .words = "cho hỏi|xin hỏi|muốn hỏi|hỏi về|thắc mắc|làm thế nào|như thế nào|làm sao|hướng dẫn|"
                  "ở đâu|khi nào|question|how to|how do i|how can i|where can i|when will|could you tell"},
        {.name = "Kênh sàn thương mại", .category = CATEGORY_ORDER},
};
#define MARKETPLACE_RULE (sizeof(rules) / sizeof(rules[0]) - 1)

static const struct priority_row priorities[] = {
        {.urgency = LEVEL_HIGH, .importance = LEVEL_HIGH, .priority = LEVEL_HIGH},
        {.category = CATEGORY_COMPLAINT, .urgency = LEVEL_HIGH, .priority = LEVEL_HIGH},
        {.category = CATEGORY_COMPLAINT, .customer_effect = LEVEL_HIGH, .priority = LEVEL_HIGH},
        {.urgency = LEVEL_HIGH, .customer_effect = LEVEL_HIGH, .priority = LEVEL_HIGH},
        {.business_effect = LEVEL_HIGH, .priority = LEVEL_HIGH},
        {.urgency = LEVEL_LOW, .importance = LEVEL_LOW, .priority = LEVEL_LOW},
        {.category = CATEGORY_FEEDBACK, .importance = LEVEL_LOW, .priority = LEVEL_LOW},
        {.category = CATEGORY_QUESTION, .urgency = LEVEL_LOW, .priority = LEVEL_LOW},
        {.priority = LEVEL_MEDIUM},
};

static void fill(struct classification_rule *rule, size_t index, struct cl_arena *arena) {
	rule->name = cl_str_from(rules[index].name);
	rule->category = rules[index].category;
	rule->urgency = rules[index].urgency;
	rule->importance = rules[index].importance;
	rule->customer_effect = rules[index].customer_effect;
	rule->business_effect = rules[index].business_effect;
	rule->words.v = cl_arena_array(arena, struct cl_str, WORDS_MAX);
	for (const char *p = rules[index].words; p;) {
		const char *end = strchr(p, '|');
		CL_ASSERT(rule->words.n < WORDS_MAX);
		rule->words.v[rule->words.n++] = (struct cl_str){p, (uint32_t)(end ? (size_t)(end - p) : strlen(p))};
		p = end ? end + 1 : NULL;
	}
}

const struct intake_configure *intake_defaults(struct cl_arena *arena) {
	struct intake_configure *defaults = cl_arena_new(arena, struct intake_configure);
	defaults->rules.n = sizeof(rules) / sizeof(rules[0]);
	defaults->rules.v = cl_arena_array(arena, struct classification_rule, defaults->rules.n);
	for (size_t i = 0; i < defaults->rules.n; i++)
		fill(&defaults->rules.v[i], i, arena);
	defaults->rules.v[MARKETPLACE_RULE].channel = CHANNEL_MARKETPLACE;
	defaults->priorities.n = sizeof(priorities) / sizeof(priorities[0]);
	defaults->priorities.v = cl_arena_array(arena, struct priority_row, defaults->priorities.n);
	memcpy(defaults->priorities.v, priorities, sizeof(priorities));
	return defaults;
}

#!/usr/bin/env bash
# A request's way from the call to the report, an order's to the door, and what each refusal says.
. "$(dirname "$0")/lib.sh"
expect 1 c case list
says "careloop up"
up
expect 0 c configure defaults
expect 0 c contact add --name "Nguyễn Thị Tiền" --phone "0912 345 678" --text "Máy lạnh không chạy, hỏng từ hôm mua" --json
number=$(number_of <<<"$out")
same "the form of the number" "$(sed 's/[0-9]/9/g' <<<"$number")" "PTN-9999-999999"
until_true c case show "$number"

# A6, A7, with what the rules refuse in between.
expect 0 c case work "$number" "Đã gọi khách hàng" --who binh
expect 3 c case agree "$number"
says "Nothing has been proposed"
expect 3 c case close "$number"
expect 0 c case propose "$number" "Đổi máy mới" --option "Đổi máy" --option "Hoàn tiền"
expect 3 c case agree "$number" --option 3
says "option"
expect 0 c case disagree "$number" "Muốn hoàn tiền"
expect 0 c case propose "$number" --text "Hoàn tiền"
between=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
expect 0 c case agree "$number"
expect 0 c case close "$number" "Đã hoàn tiền"
expect 3 c case close "$number"
says "closed"
expect 0 c case reopen "$number" "Khách gọi lại"
expect 0 c case note "$number" "$(printf 'dòng 1\ndòng 2')"

# What is seen of it, now and then.
expect 0 c case show "$number"
says "Nguyễn Thị Tiền"
says "+84912345678"
says "Đã gọi khách hàng"
expect 0 c case show "$number" --lang vi
says "PHIẾU TIẾP NHẬN YÊU CẦU CỦA KHÁCH HÀNG"
expect 0 c case show "$number" --as-of "$between" --json
says '"status":"proposed"'
expect 0 c case show "$number" --known-at "$between" --json
says '"status":"proposed"'
expect 4 c case show "$number" --as-of 2020-01-01
expect 4 c case show PTN-2026-999999
expect 2 c case show nonsense
says "PTN-2026-000123"
until_true sh -c "'$careloop' case list tien --dir '$dir' | grep -q '$number'"
expect 0 c case list --status closed,working,open --json
says "$number"
expect 2 c case list --status nonsense
says "status"
expect 0 c report record "$number"
says "Đã hoàn tiền"
expect 4 c report record PTN-2026-999999

# Fields are bounded and named; nothing of a refused contact is stored.
before=$(lengths)
expect 2 c contact add --name "$(printf 'x%.0s' $(seq 201))" --text x
says "name"
expect 2 c contact add --channel fax --text x
says "phone, email"
expect 2 c contact add --quantity 1000001 --name x
expect 2 c contact add --name "$(printf 'a\tb')" --text x
expect 2 c case work "$number"
same "nothing was stored" "$(lengths)" "$before"
expect 3 c contact add --text "không tên, không số"
says "name"
expect 3 c contact add --email "không phải email" --text x
says "email"

# One customer across channels.
expect 0 c contact add --channel email --email "Tien@Example.com" --phone "+84 912 345 678" --text "Hỏi bảo hành"
until_true c customer show tien@example.com
customer=$(c customer show 0912345678 --lang en | sed -n 's/^Customer id: //p')
same "phone and email are one customer" "$(c customer show tien@example.com --lang en | sed -n 's/^Customer id: //p')" "$customer"
expect 4 c customer show 0900000000
expect 2 c customer show "ai đó"

# An order.
expect 0 c stock receive AC-09 5 --name "Máy lạnh"
expect 0 c contact add --name "Lê Văn Hùng" --phone 0987654321 --category order --product "Máy lạnh" --text "Đặt 2 máy" --json
order=$(number_of <<<"$out")
until_true c order show "$order"
expect 3 c order place "$order"
expect 2 c order set-lines "$order" --line "AC-09:hai"
expect 0 c order set-lines "$order" --line "AC-09:2:8500000:Máy lạnh" --address "12 Lê Lợi, Quận 1"
expect 0 c order place "$order"
until_true sh -c "'$careloop' order show '$order' --json --dir '$dir' | grep -q confirmed"
expect 0 c stock show AC-09 --json
says '"reserved":2'
expect 0 c order pack "$order"
expect 0 c order ship "$order" --carrier "Giao hàng nhanh" --tracking GHN1
expect 0 c order deliver "$order"
expect 3 c order cancel "$order" "Đổi ý"
expect 0 c order show "$order"
says "8,500,000"

# Departments, people, work.
expect 0 c department add giao-hang --name "Giao hàng" --supervisor lan
expect 0 c person add hoa --name "Trần Hoa" --department giao-hang --skill xe-tai --capacity 3
until_true sh -c "'$careloop' department show giao-hang --dir '$dir' | grep -q hoa"
expect 0 c person show hoa --json
says '"capacity":3'
expect 0 c case assign "$number" --department giao-hang "Chuyển giao hàng"
until_true sh -c "'$careloop' case show '$number' --json --dir '$dir' | grep -q '\"person\":\"hoa\"'"
expect 0 c work acknowledge "$number" --who hoa
expect 3 c work acknowledge "$number" --who hoa

# Tokens: hashes in the file, the text shown once.
expect 0 c token create may-quet --json
token=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' <<<"$out")
expect 3 c token create may-quet
expect 2 c token create "có dấu"
same "mode of the file" "$(stat -c %a "$dir/keys/tokens.json")" 600
same "the text is not in the file" "$(grep -c "$token" "$dir/keys/tokens.json")" 0
same "its hash is" "$(grep -c "$(printf %s "$token" | b2sum -l 256 | cut -d' ' -f1)" "$dir/keys/tokens.json")" 1
expect 0 c token list
says may-quet
expect 0 c token revoke may-quet
expect 4 c token revoke may-quet

# Repeating the defaults changes no state.
expect 0 c replay
before=$(c replay --json | grep -c '"equal": true')
expect 0 c configure defaults
expect 0 c log verify
expect 0 bash -n <(c completion bash)
verdict

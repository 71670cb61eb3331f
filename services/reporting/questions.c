#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"
#include "reporting_int.h"

static void refuse(struct reporting *reporting, const struct wire_query *query) {
	struct wire_answer answer = {.id = query->id, .status = WIRE_BUSY};
	reporting->stats.refused_busy++;
	reporting_post_answer(reporting, query->reply_to, &answer);
}

static void question_free(struct question *question) {
	cl_buf_done(&question->answer.json);
	cl_arena_done(&question->arena);
	free(question);
}

static struct question *question_new(struct reporting *reporting, const struct wire_query *query) {
	struct question *question = calloc(1, sizeof(*question));
	CL_ASSERT(question);
	question->reporting = reporting;
	cl_arena_init(&question->arena, 1024);
	cl_copy(&cl_schema_wire_query, query, &question->arena, &question->query);
	cl_buf_init(&question->answer.json);
	return question;
}

static struct reporting_reader *take_reader(struct reporting *reporting) {
	struct questions *questions = &reporting->questions;
	struct reporting_reader *reader = NULL;
	if (questions->free_n)
		return questions->free[--questions->free_n];
	if (questions->opened < READERS_MAX && reporting_reader_open(reporting->model, &reader) == CL_OK)
		questions->opened++;
	return reader;
}

static void answer_run(void *context) {
	struct question *question = context;
	reporting_reader_answer(question->reader, &question->asked, &question->answer);
}

static void start_next(struct reporting *reporting);

static void answer_done(void *context) {
	struct question *question = context;
	struct reporting *reporting = question->reporting;
	const struct reporting_answer *given = &question->answer;
	struct wire_answer answer = {
	        .id = question->query.id,
	        .status = given->status,
	        .field = given->field,
	        .json = {given->json.p, (uint32_t)given->json.n},
	};
	reporting->questions.free[reporting->questions.free_n++] = question->reader;
	reporting_post_answer(reporting, question->query.reply_to, &answer);
	question_free(question);
	start_next(reporting);
}

static void start(struct question *question, struct reporting_reader *reader) {
	struct reporting *reporting = question->reporting;
	const struct cl_log *log = reporting_archive_log(reporting->archive);
	question->reader = reader;
	question->asked = (struct reporting_question){
	        .query = &question->query,
	        .now_ms = reporting->env->ops->now_ms(reporting->env),
	        .archive_id = log->identity.log_id,
	        .archive_head = log->head,
	};
	reporting->env->ops->work(reporting->env, CL_LANE_READER, answer_run, answer_done, question);
}

static void start_next(struct reporting *reporting) {
	struct questions *questions = &reporting->questions;
	struct question *question = questions->first;
	struct reporting_reader *reader = question && !reporting->stopping ? take_reader(reporting) : NULL;
	if (!reader)
		return;
	questions->first = question->next;
	questions->n--;
	start(question, reader);
}

void questions_ask(struct reporting *reporting, const struct wire_query *query) {
	struct questions *questions = &reporting->questions;
	reporting->stats.questions++;
	if (reporting->stopping || questions->n >= reporting->options.questions_max) {
		refuse(reporting, query);
		return;
	}
	struct question *question = question_new(reporting, query);
	if (!questions->first)
		questions->end = &questions->first;
	*questions->end = question;
	questions->end = &question->next;
	questions->n++;
	start_next(reporting);
	if (questions->first && !questions->opened) { /* no reader could be opened, and none will come back */
		questions->first = NULL;
		questions->n = 0;
		refuse(reporting, query);
		question_free(question);
	}
}

void questions_done(struct reporting *reporting) {
	struct questions *questions = &reporting->questions;
	while (questions->first) {
		struct question *next = questions->first->next;
		question_free(questions->first);
		questions->first = next;
	}
	while (questions->free_n)
		reporting_reader_close(questions->free[--questions->free_n]);
}

#ifndef COUNTER_H
#define COUNTER_H

extern const struct cl_domain counter_domain;

#endif

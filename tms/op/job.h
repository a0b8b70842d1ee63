/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job: a piece of work that somebody at the desk begins and nobody waits for: a thread of its own, one at a time. A struct job is static and begins as JOB_NEW.
 *
 * What the work reads is filled in between job_claim() and job_start(), what it has found between job_lock() and job_unlock().
 */
#ifndef MOKHOA_JOB_H
#define MOKHOA_JOB_H

#include "err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct job {
	pthread_mutex_t mutex;
	pthread_t thread;
	bool claimed;	      /* by whoever begins it, or by the thread that works */
	bool started;	      /* there is a thread to be joined */
	atomic_bool stopping; /* the process ends: long work had better end, too */
};

#define JOB_NEW \
	{ \
		.mutex = PTHREAD_MUTEX_INITIALIZER \
	}

/* ERR_BUSY while one is under way; else it is the caller's until job_start() or job_drop(). */
enum err job_claim(struct job *j);

/* Runs it. ERR_NO_MEMORY where no thread can be had: it is dropped. */
enum err job_start(struct job *j, void *(*run)(void *context), void *context);
void job_drop(struct job *j);

/* The last that the thread does. */
void job_done(struct job *j);

bool job_running(struct job *j);
void job_lock(struct job *j);
void job_unlock(struct job *j);

/* Tells it to stop where it can, and waits for it; before the service goes. */
void job_end(struct job *j);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

enum err
job_claim(struct job *j)
{
	enum err e = ERR_BUSY;

	pthread_mutex_lock(&j->mutex);
	if (!j->claimed) {
		if (j->started)
			pthread_join(j->thread, NULL);
		j->started = false;
		j->claimed = true;
		e = ERR_OK;
	}
	pthread_mutex_unlock(&j->mutex);
	return e;
}

enum err
job_start(struct job *j, void *(*run)(void *context), void *context)
{
	bool good;

	pthread_mutex_lock(&j->mutex);
	good = pthread_create(&j->thread, NULL, run, context) == 0;
	j->started = j->claimed = good;
	pthread_mutex_unlock(&j->mutex);
	return good ? ERR_OK : ERR_NO_MEMORY;
}

void
job_drop(struct job *j)
{
	pthread_mutex_lock(&j->mutex);
	j->claimed = false;
	pthread_mutex_unlock(&j->mutex);
}

void
job_done(struct job *j)
{
	job_drop(j);
}

bool
job_running(struct job *j)
{
	bool running;

	pthread_mutex_lock(&j->mutex);
	running = j->claimed;
	pthread_mutex_unlock(&j->mutex);
	return running;
}

void
job_lock(struct job *j)
{
	pthread_mutex_lock(&j->mutex);
}

void
job_unlock(struct job *j)
{
	pthread_mutex_unlock(&j->mutex);
}

void
job_end(struct job *j)
{
	bool started;

	pthread_mutex_lock(&j->mutex);
	started = j->started;
	j->started = false;
	atomic_store(&j->stopping, true);
	pthread_mutex_unlock(&j->mutex);
	if (started)
		pthread_join(j->thread, NULL);
	atomic_store(&j->stopping, false);
}

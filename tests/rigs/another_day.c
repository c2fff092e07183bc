/* Another day: the calendar's clock is DAYS_AHEAD days ahead in a process that this is preloaded into.

   The clock that only counts stays as it is, and with it every sleep and timeout. Debian's libfaketime moves that one
   too and then lets waits of CPython 3.11, which end at a moment of it, last for days. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static time_t ahead_s(void) {
  static time_t known = -1;
  if (known < 0) {
    const char *days = getenv("DAYS_AHEAD");
    known = days ? 86400 * (time_t)atol(days) : 0;
  }
  return known;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(clock, at);
  if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += ahead_s();
  return code;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  static int (*real)(struct timeval *, void *);
  if (!real) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
  int code = real(at, zone);
  if (code == 0) at->tv_sec += ahead_s();
  return code;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

/* Limit on open files, as inherited. */
#ifndef PMU_NOFILE_H
#define PMU_NOFILE_H

#include <sys/resource.h>

/* Fills in the limit as it was before pmu_rlimit_nofile first raised it. */
void nofile_outside(struct rlimit *limit);

#endif

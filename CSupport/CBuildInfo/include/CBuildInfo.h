#ifndef SLUICE_CBUILDINFO_H
#define SLUICE_CBUILDINFO_H

// All strings live as long as the process.

/// The commit this binary was built from, or "unknown".
const char *sluice_commit(void);

/// What the binary was compiled for and this CPU lacks, as a comma-separated list; "" when nothing.
const char *sluice_cpu_missing(void);

/// The CPU features the binary makes use of, as a comma-separated list.
const char *sluice_cpu_features(void);

#endif

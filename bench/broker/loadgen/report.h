// The result of a run as one line of JSON or as a few lines for people.
#pragma once

#include <string>

#include "load_run.h"
#include "options.h"

namespace apogee::bench {

std::string JsonReport(const Options& options, const LoadRun& run);
std::string TextReport(const Options& options, const LoadRun& run);

}  // namespace apogee::bench

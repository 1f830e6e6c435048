// Load generator for RocketMQ brokers. Exit code: 0 when the run was made (whether or not requests
// failed), 1 when it could not start, 2 when the command line is wrong.
#include <cstdio>
#include <memory>
#include <string>

#include "load_run.h"
#include "options.h"
#include "report.h"

int main(int argc, char** argv) {
  using namespace apogee::bench;
  Options options;
  if (const std::string wrong = ParseOptions(argc, argv, &options); !wrong.empty()) {
    std::fprintf(stderr, "loadgen: %s\n", wrong.c_str());
    return 2;
  }
  if (options.help) {
    std::fputs(UsageText(), stdout);
    return 0;
  }
  const auto run = std::make_unique<LoadRun>(options);
  if (const std::string wrong = run->Execute(); !wrong.empty()) {
    std::fprintf(stderr, "loadgen: %s\n", wrong.c_str());
    return 1;
  }
  std::fputs((options.json ? JsonReport(options, *run) : TextReport(options, *run)).c_str(),
             stdout);
  return 0;
}

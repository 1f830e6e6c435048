#pragma once

#include <cstdint>
#include <string>

// What the system that the tests run on can do, asked without the engine.
namespace apogee::test {

// Bytes of memory files that this process sees through large pages.
int64_t LargeBytes();
// Whether the system makes a large page of memory that is in use.
bool SystemMakesLargePages();
// Whether the file system zeroes a file without writing; `path`: of a file that is made and removed.
bool CanForget(const std::string& path);

}  // namespace apogee::test

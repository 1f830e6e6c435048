#pragma once

namespace apogee {

// Names the calling thread for debuggers and process listings. At most 15 characters.
void SetThreadName(const char* name);

}  // namespace apogee

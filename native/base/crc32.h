#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace apogee {

// zlib's CRC-32 (polynomial 0xEDB88320, reflected). Records store it with the top bit cleared.
// Uses carry-less multiplication where the CPU has it.
uint32_t Crc32(std::span<const uint8_t> bytes);

namespace internal {

// Both ways to compute a CRC, for the tests that hold them against each other. They work on the
// raw register: start with 0xFFFFFFFF, invert the result.
uint32_t Crc32Table(uint32_t state, const uint8_t* bytes, size_t count);
uint32_t Crc32Folding(uint32_t state, const uint8_t* bytes, size_t count);
// Whether this CPU can run Crc32Folding.
bool CanFoldCrc32();

}  // namespace internal
}  // namespace apogee

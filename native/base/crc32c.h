#pragma once

#include <cstdint>
#include <span>

namespace apogee {

// CRC-32C (Castagnoli, polynomial 0x82F63B78, reflected) of what came before and then `bytes`; 0
// before the first. Uses the CPU's instruction where there is one.
uint32_t Crc32c(uint32_t before, std::span<const uint8_t> bytes);
inline uint32_t Crc32c(std::span<const uint8_t> bytes) { return Crc32c(0, bytes); }

namespace internal {

// Both ways to compute it, for the tests that hold them against each other. They work on the raw
// register: start with 0xFFFFFFFF, invert the result.
uint32_t Crc32cTable(uint32_t state, const uint8_t* bytes, size_t count);
uint32_t Crc32cInstruction(uint32_t state, const uint8_t* bytes, size_t count);
// Whether this CPU can run Crc32cInstruction.
bool HasCrc32cInstruction();

}  // namespace internal
}  // namespace apogee

#include "filter/filter_set.h"

#include <algorithm>

#include "filter/byte_reader.h"
#include "filter/evaluator.h"

namespace apogee {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kLeastFilterBytes = 2 + 1 + 2 + 4 + 4;

Status Refused(const char* why) {
  return Status::Error(StatusCode::kInvalidArgument, std::string("filters: ") + why);
}

}  // namespace

Status FilterSet::Parse(std::span<const uint8_t> bytes, std::shared_ptr<const FilterSet>* set) {
  if (bytes.size() > kMaxFilterSetBytes) return Refused("they are too large");
  ByteReader reader(bytes);
  if (reader.U8() != kVersion) return Refused("their version is unknown");
  const auto parsed = std::make_shared<FilterSet>();
  parsed->bit_map_bytes_ = reader.U32();
  const size_t count = reader.U32();
  if (!reader.ok() || count > reader.left() / kLeastFilterBytes) return Refused("they end early");
  if (parsed->bit_map_bytes_ == 0 || parsed->bit_map_bytes_ > kMaxFilterBitMapBytes)
    return Refused("a bit map of no possible size");
  for (size_t i = 0; i < count; ++i) {
    const std::string_view topic = reader.Text(reader.U16());
    const size_t positions = reader.U16();
    if (!reader.ok() || positions > reader.left() / 4) return Refused("they end early");
    if (topic.empty() || positions == 0 || positions > kMaxFilterPositions)
      return Refused("one without topic, or not with 1 to 64 bits");
    Filter filter;
    filter.positions.resize(positions);
    for (uint32_t& position : filter.positions) {
      position = reader.U32();
      if (position / 8 >= parsed->bit_map_bytes_) return Refused("a bit outside the bit map");
    }
    const auto program = reader.Bytes(reader.U32());
    if (!reader.ok()) return Refused("they end early");
    APOGEE_RETURN_IF_ERROR(FilterProgram::Parse(program, &filter.program));
    parsed->topics_[std::string(topic)].push_back(std::move(filter));
  }
  if (reader.left() > 0) return Refused("bytes follow them");
  *set = parsed;
  return Status::Ok();
}

size_t FilterSet::BitMap(std::string_view topic, std::span<const uint8_t> properties,
                         std::span<uint8_t> into) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end() || into.size() < bit_map_bytes_) return 0;
  std::ranges::fill(into.first(bit_map_bytes_), uint8_t{0});
  for (const Filter& filter : found->second) {
    if (EvaluateFilter(filter.program, properties) == FilterVerdict::kNo) continue;
    for (const uint32_t position : filter.positions)
      into[position / 8] |= static_cast<uint8_t>(1u << position % 8);
  }
  return bit_map_bytes_;
}

}  // namespace apogee

#include "response_scanner.h"

#include <charconv>
#include <cstring>

namespace apogee::bench {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // Calls visit(key) at the value of every member. visit consumes the value; false ends the scan.
  template <typename Visit>
  bool Object(Visit visit) {
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string_view key;
      if (!String(&key) || !Take(':')) return false;
      SkipBlanks();
      if (!visit(key)) return false;
    } while (Take(','));
    return Take('}');
  }

  bool Integer(int64_t* value) {
    SkipBlanks();
    const bool quoted = at_ < end_ && *at_ == '"';
    if (quoted) ++at_;
    const auto [rest, error] = std::from_chars(at_, end_, *value);
    if (error != std::errc()) return false;
    at_ = rest;
    return !quoted || Take('"');
  }

  bool String(std::string_view* value) {
    if (!Take('"')) return false;
    const char* start = at_;
    for (;;) {
      const auto* quote =
          static_cast<const char*>(std::memchr(at_, '"', static_cast<size_t>(end_ - at_)));
      if (quote == nullptr) return false;
      at_ = quote + 1;
      const char* slash = quote;
      while (slash > start && slash[-1] == '\\') --slash;
      if ((quote - slash) % 2 == 0) {
        *value = std::string_view(start, static_cast<size_t>(quote - start));
        return true;
      }
    }
  }

  // Steps over one value of any kind. Not recursive: nesting is only counted.
  bool Skip() {
    int depth = 0;
    do {
      SkipBlanks();
      if (at_ == end_) return false;
      std::string_view ignored;
      const char c = *at_;
      if (c == '"') {
        if (!String(&ignored)) return false;
      } else if (c == '{' || c == '[') {
        ++depth, ++at_;
      } else if (c == '}' || c == ']') {
        --depth, ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        do ++at_;
        while (at_ < end_ && *at_ != ',' && *at_ != ':' && *at_ != ']' && *at_ != '}');
      }
    } while (depth > 0);
    return true;
  }

  bool AtString() {
    SkipBlanks();
    return at_ < end_ && *at_ == '"';
  }

  bool AtObject() {
    SkipBlanks();
    return at_ < end_ && *at_ == '{';
  }

 private:
  void SkipBlanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  bool Take(char c) {
    SkipBlanks();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  const char* at_;
  const char* end_;
};

bool ScanExtFields(Scanner& scanner, ResponseHeader* header) {
  return scanner.Object([&](std::string_view key) {
    if (key == "nextBeginOffset") return scanner.Integer(&header->next_begin_offset);
    if (key == "minOffset") return scanner.Integer(&header->min_offset);
    if (key == "maxOffset") return scanner.Integer(&header->max_offset);
    return scanner.Skip();
  });
}

}  // namespace

bool ScanResponse(std::string_view text, ResponseHeader* header) {
  Scanner scanner(text);
  const bool whole = scanner.Object([&](std::string_view key) {
    if (key == "code") return scanner.Integer(&header->code);
    if (key == "opaque") return scanner.Integer(&header->opaque);
    if (key == "flag") return scanner.Integer(&header->flag);
    if (key == "remark" && scanner.AtString()) return scanner.String(&header->remark);
    if (key == "extFields" && scanner.AtObject()) return ScanExtFields(scanner, header);
    return scanner.Skip();
  });
  return whole && header->code >= 0 && header->opaque >= 0;
}

}  // namespace apogee::bench

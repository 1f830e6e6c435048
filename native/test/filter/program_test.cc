#include "filter/program.h"

#include <gtest/gtest.h>

#include <random>

#include "filter/evaluator.h"
#include "test/support/filter_bytes.h"

namespace apogee {
namespace {

using Op = FilterOperation;
using test::ProgramBytes;

std::string Problem(const std::vector<uint8_t>& bytes) {
  FilterProgram program;
  const Status parsed = FilterProgram::Parse(bytes, &program);
  EXPECT_TRUE(parsed.ok() || parsed.code() == StatusCode::kInvalidArgument);
  return parsed.context();
}

TEST(FilterProgramTest, EveryShorterAndLongerOneIsRefused) {
  const std::vector<uint8_t> whole = test::EqualsText("a", "x");
  EXPECT_EQ(Problem(whole), "");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(Problem({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)}), "") << size;
  std::vector<uint8_t> longer = whole;
  longer.push_back(0);
  EXPECT_EQ(Problem(longer), "filter program: bytes follow it");
}

TEST(FilterProgramTest, WhatTakesWhatIsNotThereIsRefused) {
  const auto one = [](Op operation, uint8_t a = 0) {
    return Problem(ProgramBytes().Op(operation, 0, a).Build());
  };
  EXPECT_EQ(one(Op::kProperty), "filter program: there is no such property");
  EXPECT_EQ(one(Op::kLiteral), "filter program: there is no such literal");
  EXPECT_EQ(one(Op::kEqual), "filter program: a value is missing");
  EXPECT_EQ(one(Op::kAnd), "filter program: an outcome is missing");
  EXPECT_EQ(one(Op::kNot), "filter program: an outcome is missing");
  EXPECT_EQ(one(Op::kIn), "filter program: a property is missing");
  EXPECT_EQ(one(Op::kContains), "filter program: there is no such text");
  EXPECT_EQ(one(Op::kOrder, 4), "filter program: there is no such order");
  EXPECT_EQ(one(Op::kBoolean, 2), "filter program: a boolean is 0 or 1");
  EXPECT_EQ(one(static_cast<Op>(0)), "filter program: there is no such operation");
  EXPECT_EQ(one(static_cast<Op>(16)), "filter program: there is no such operation");
  EXPECT_EQ(Problem(ProgramBytes().Build()), "filter program: it leaves no one outcome");
  EXPECT_EQ(Problem(ProgramBytes().Int(1).Op(Op::kLiteral).Build()),
            "filter program: it leaves no one outcome");
  EXPECT_EQ(Problem(ProgramBytes().Op(Op::kNull).Op(Op::kNull).Build()),
            "filter program: it leaves no one outcome");
}

TEST(FilterProgramTest, LimitsHold) {
  ProgramBytes deep;
  for (size_t i = 0; i <= kMaxFilterStack; ++i) deep.Op(Op::kNull);
  EXPECT_EQ(Problem(deep.Build()), "filter program: its stack is too deep");
  ProgramBytes wide;
  for (size_t i = 0; i <= kMaxFilterProperties; ++i) wide.Property("p" + std::to_string(i));
  EXPECT_EQ(Problem(wide.Build()), "filter program: too many properties");
  EXPECT_EQ(Problem(test::EqualsText("a", std::string(kMaxFilterProgramBytes, 'x'))),
            "filter program: it is too large");
  std::vector<uint8_t> counts = {1, 0, 0, 0x0F, 0xFF};
  EXPECT_EQ(Problem(counts), "filter program: it ends early");
  counts = {2, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(Problem(counts), "filter program: its version is unknown");
}

TEST(FilterProgramTest, DamageIsRefusedOrRunsToItsEnd) {
  const std::vector<uint8_t> whole = ProgramBytes()
                                         .Property("a")
                                         .Property("b")
                                         .Text("x")
                                         .Text("y")
                                         .Int(5)
                                         .Double(1.5)
                                         .Op(Op::kProperty)
                                         .Op(Op::kIn, 0, 0, 2)
                                         .Op(Op::kProperty, 1)
                                         .Op(Op::kLiteral, 2)
                                         .Op(Op::kOrder)
                                         .Op(Op::kOr)
                                         .Op(Op::kNot)
                                         .Build();
  ASSERT_EQ(Problem(whole), "");
  const std::string stored = "a\1x\2b\0017";
  std::mt19937 random(7);
  size_t ran = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> damaged = whole;
    for (uint32_t i = random() % 3 + 1; i > 0; --i)
      damaged[random() % damaged.size()] = static_cast<uint8_t>(random());
    FilterProgram program;
    if (!FilterProgram::Parse(damaged, &program).ok()) continue;
    EvaluateFilter(program, {reinterpret_cast<const uint8_t*>(stored.data()), stored.size()});
    ++ran;
  }
  EXPECT_GT(ran, 0u);
}

}  // namespace
}  // namespace apogee

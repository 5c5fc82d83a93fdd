// What holds for every operation, as one suite that each verb is put through:
//
//   already stopped        kCanceled, and the kernel never sees it
//   stopped in flight      kCanceled, no trace, and the next one works
//   stop racing the end    done or kCanceled, and nothing is lost
//   submission queue full  nobody notices
//   no descriptor          EBADF
//   the reactor's end      stops it and waits for it
//   stopped anywhere       done or kCanceled, and nothing is lost; and the same
//   or failed              where the kernel never saw it
//
// The suite is instantiated with a class that has what one operation needs:
//
//   class ReadVerb final : public Verb { ... };
//   INSTANTIATE_TEST_SUITE_P(Read, OperationContractTest,
//                            ::testing::Values(MakeVerb<ReadVerb>));
//
// (That no descriptor leaks is seen to by descriptor_check.cc.)
#ifndef EDDY_TESTS_IO_OPERATION_CONTRACT_H_
#define EDDY_TESTS_IO_OPERATION_CONTRACT_H_

#include "tests/io/io_test_util.h"

#include <eddy/io/fd.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <gtest/gtest.h>

#include <memory>

namespace eddy::io_test {

// One operation and what it works on.
class Verb {
 public:
  virtual ~Verb() = default;

  // Awaits the operation on `fd` and keeps what it gave for ExpectDone().
  virtual Task<Result<void>> RunOn(const io::Fd& fd) = 0;
  // The descriptor that it is meant for.
  virtual const io::Fd& fd() const = 0;
  Task<Result<void>> Run() { return RunOn(fd()); }

  // Whether the operation waits for Provide().
  virtual bool waits() const { return false; }
  virtual void Provide() {}

  // After a success: it did what it should, once.
  virtual void ExpectDone() = 0;
  // Nothing has happened but, at most, Provide().
  virtual void ExpectNoTrace() = 0;
};

using VerbFactory = std::unique_ptr<Verb> (*)();

template <class T>
std::unique_ptr<Verb> MakeVerb() {
  return std::make_unique<T>();
}

class OperationContractTest : public ::testing::TestWithParam<VerbFactory> {};

}  // namespace eddy::io_test

#endif  // EDDY_TESTS_IO_OPERATION_CONTRACT_H_

#include <eddy/fs/aligned_buffer.h>

#include "tests/chaos.h"
#include "tests/io/io_test_util.h"

#include <eddy/fs/file.h>

#include <cstdint>
#include <utility>

namespace eddy::fs {
namespace {

using io_test::Load;
using io_test::Pattern;
using io_test::Store;
using io_test::TempDir;
using io_test::Text;

TEST(AlignedBufferTest, IsAligned) {
  AlignedBuffer none;
  EXPECT_EQ(none.size(), 0U);
  EXPECT_TRUE(none.bytes().empty());
  for (const std::size_t size : {1U, 4096U, 100'000U}) {
    const AlignedBuffer buffer(size);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.bytes().data()) %
                  AlignedBuffer::kAlignment,
              0U);
    EXPECT_FALSE(buffer.registered());
  }
}

TEST(AlignedBufferTest, KeepsItsMemoryWhereItIsMoved) {
  AlignedBuffer buffer(100);
  const auto* memory = buffer.bytes().data();
  AlignedBuffer moved = std::move(buffer);
  EXPECT_EQ(moved.bytes().data(), memory);
  EXPECT_EQ(buffer.size(), 0U);
  buffer = AlignedBuffer(10);
  buffer = std::move(moved);
  EXPECT_EQ(buffer.bytes().data(), memory);
  EXPECT_EQ(buffer.size(), 100U);
}

CO_TEST(AlignedBufferTest, TransfersDirectlyPlainOrRegistered) {
  EDDY_CO_SKIP_IN_CHAOS(test::kShort);
  const TempDir dir;
  const std::string contents = Text(Pattern(64 * 1024));
  Store(dir / "file", contents);
  OpenOptions options = OpenOptions::ReadWrite();
  options.direct = true;
  Result<File> file = co_await File::Open(dir / "file", options);
  if (!file) CO_SKIP("no O_DIRECT on the file system of /tmp");
  AlignedBuffer buffer(16 * 1024);
  for (const bool registered : {false, true}) {
    if (registered) {
      const Result<void> done = buffer.Register();
      if (!done) CO_SKIP("no memory can be registered");
      CO_EXPECT_OK(buffer.Register());  // again
    }
    EXPECT_EQ(buffer.registered(), registered);
    CO_EXPECT_EQ(co_await file->ReadAt(4096, buffer), buffer.size());
    EXPECT_EQ(Text(buffer.bytes()), contents.substr(4096, buffer.size()));
    CO_EXPECT_EQ(co_await file->ReadAt(0, buffer.Part(8192, 4096)), 4096U);
    EXPECT_EQ(Text(buffer.bytes().subspan(8192, 4096)),
              contents.substr(0, 4096));
    CO_EXPECT_EQ(co_await file->WriteAt(32'768, buffer.Part(8192, 4096)),
                 4096U);
    EXPECT_EQ(Load(dir / "file").substr(32'768, 4096),
              contents.substr(0, 4096));
    if (file->alignment().known()) {
      CO_EXPECT_ERROR(co_await file->ReadAt(0, buffer.Part(1, 4096)),
                      kMisalignedMemory);
      CO_EXPECT_ERROR(co_await file->ReadAt(1, buffer.Part(0, 4096)),
                      kMisalignedOffset);
      CO_EXPECT_ERROR(co_await file->WriteAt(0, buffer.Part(0, 100)),
                      kMisalignedLength);
    }
    const AlignedBuffer moved = std::move(buffer);
    CO_EXPECT_EQ(co_await file->ReadAt(0, moved), moved.size());
    buffer = AlignedBuffer(16 * 1024);
  }
}

}  // namespace
}  // namespace eddy::fs

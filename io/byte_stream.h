// ByteSource, ByteSink, ByteStream: what bytes can be read from and written to.
//
//   template <io::ByteStream Stream>
//   Task<Result<void>> Greet(Stream& stream);
//
// Code that is written against these concepts works on a TcpStream, on a
// UnixStream, and in a test on one end of a Duplex (io/testing/duplex.h), which
// needs no kernel and fails as told. FdSource (fd_source.h) makes a source of a
// pipe or a file.
//
// A ByteSource s has, for a std::span<std::byte> buffer:
//   co_await s.Read(buffer)      Result<std::size_t>: some bytes, 1 to
//                                buffer.size(); 0 at the end of the stream.
//                                After kCanceled nothing was consumed.
// A ByteSink s has, for a std::span<const std::byte> data:
//   co_await s.Write(data)       Result<void>: all of it is written.
//   co_await s.Write(data, &n)   The same; n, a std::size_t, gets how much was
//                                written, also on failure and after a stop.
//   co_await s.Shutdown()        Result<void>: nothing more will be written;
//                                the peer reads the end of the stream after
//                                what was. Reading goes on.
// A ByteStream is both. One Read and one Write may be awaited at a time.
//
// The concepts see the types; what stands beside them is up to the class.
#ifndef EDDY_IO_BYTE_STREAM_H_
#define EDDY_IO_BYTE_STREAM_H_

#include <eddy/runtime/context_awaitable.h>
#include <eddy/runtime/result.h>

#include <concepts>
#include <cstddef>
#include <span>

namespace eddy::io {

// What can be awaited and then gives a T.
template <class A, class T>
concept AwaitableOf = std::same_as<eddy::internal::AwaitResult<A>, T>;

template <class S>
concept ByteSource = requires(S& source, std::span<std::byte> buffer) {
  { source.Read(buffer) } -> AwaitableOf<Result<std::size_t>>;
};

template <class S>
concept ByteSink = requires(S& sink, std::span<const std::byte> data,
                            std::size_t* written) {
  { sink.Write(data) } -> AwaitableOf<Result<void>>;
  { sink.Write(data, written) } -> AwaitableOf<Result<void>>;
  { sink.Shutdown() } -> AwaitableOf<Result<void>>;
};

template <class S>
concept ByteStream = ByteSource<S> && ByteSink<S>;

}  // namespace eddy::io

#endif  // EDDY_IO_BYTE_STREAM_H_

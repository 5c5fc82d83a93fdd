// RequestReader: the incoming half of a connection.
//
// Waits for requests, one after the other, within the limits of time and size
// that keep a slow or hostile client from costing more than its connection. A
// connection that rests holds no buffer.
#ifndef EDDY_EXAMPLES_FILE_SERVER_REQUEST_READER_H_
#define EDDY_EXAMPLES_FILE_SERVER_REQUEST_READER_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>
#include <eddy/runtime/time.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "examples/file_server/buffer_pool.h"
#include "examples/file_server/request.h"
#include "examples/file_server/site.h"
#include "examples/file_server/status.h"

namespace file_server {

class RequestReader {
 public:
  // Both outlive the reader.
  RequestReader(eddy::net::TcpStream& stream, Site& site) noexcept
      : stream_(stream), site_(site) {}

  // The next request's head. Result: kOk, and request() has it until the next
  // call; or the status to refuse the client with.
  // Errors: nobody is there to be answered: the client has gone, or left the
  // connection unused for too long, or the server drains.
  eddy::Task<eddy::Result<Status>> Next();

  const Request& request() const noexcept { return parser_.request(); }

  // Whether bytes are there that belong to no request that was read.
  bool has_more() const noexcept { return parsed_ < end_; }

  // Ends the outgoing half and waits, for a short time, until the client has
  // seen it. To close at once while there is unread input would reset the
  // connection, and with it destroy an answer that is still on its way.
  eddy::Task<> Linger();

 private:
  eddy::Task<eddy::Result<void>> AwaitFirstBytes();
  eddy::Task<eddy::Result<void>> Discard();
  bool MakeRoom() noexcept;
  std::span<std::byte> room() const noexcept {
    return buffer_.bytes().subspan(end_);
  }
  std::string_view unparsed() const noexcept;

  eddy::net::TcpStream& stream_;
  Site& site_;
  RequestParser parser_;
  BufferPool::Buffer buffer_;
  // In the buffer: the current head begins, is parsed up to, and input ends.
  std::size_t begin_ = 0;
  std::size_t parsed_ = 0;
  std::size_t end_ = 0;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_REQUEST_READER_H_

// Connection: one client, from its first request to its last answer.
//
// Reads like the threaded version: wait for a request, answer it, repeat. What
// waits, for the client or for the disk, is a co_await.
#ifndef EDDY_EXAMPLES_FILE_SERVER_CONNECTION_H_
#define EDDY_EXAMPLES_FILE_SERVER_CONNECTION_H_

#include <eddy/net/tcp.h>
#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "examples/file_server/buffer_pool.h"
#include "examples/file_server/file_cache.h"
#include "examples/file_server/request_reader.h"
#include "examples/file_server/site.h"
#include "examples/file_server/status.h"
#include "examples/file_server/target.h"

namespace file_server {

class Connection {
 public:
  // `site` outlives the connection.
  Connection(eddy::net::TcpStream stream, Site& site) noexcept
      : stream_(std::move(stream)), site_(site), reader_(stream_, site) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves the client until one of the two has had enough.
  eddy::Task<> Converse();

 private:
  using Sent = eddy::Result<void>;  // an error: the client is lost

  // Whatever Next() has told.
  eddy::Task<Sent> Answer(Status status);
  eddy::Task<Sent> AnswerRequest();
  eddy::Task<Sent> SendFolder(const OpenFile& folder);
  // False, with nothing sent, if the file has become shorter than it says.
  eddy::Task<eddy::Result<bool>> SendFile(const OpenFile& file);
  // Sends what `front` holds `ready` bytes of, and then the file's bytes from
  // `offset` to `end`.
  eddy::Task<Sent> Stream(const OpenFile& file, std::uint64_t offset,
                          std::uint64_t end, BufferPool::Buffer front,
                          std::size_t ready);
  eddy::Task<Sent> SendError(Status status, std::string_view fields = {});
  eddy::Task<Sent> SendPage(Status status, std::string_view fields,
                            std::string_view page);
  // All of the data. Ends with kTimedOut when the client takes nothing.
  eddy::Task<Sent> Send(std::span<const std::byte> data);

  // The lines that end every head.
  std::string_view ConnectionField() const noexcept;

  eddy::net::TcpStream stream_;
  Site& site_;
  RequestReader reader_;
  Target target_;
  // Whether another request may follow.
  bool keep_alive_ = true;
  // Whether the client itself asked for the end, and waits for it.
  bool client_ends_ = false;
};

}  // namespace file_server

#endif  // EDDY_EXAMPLES_FILE_SERVER_CONNECTION_H_

#include "examples/file_server/connection.h"

#include <eddy/fs/file.h>
#include <eddy/runtime/blocking.h>
#include <eddy/runtime/task_scope.h>
#include <eddy/runtime/timeout.h>

#include <algorithm>
#include <utility>

#include "examples/file_server/head_writer.h"
#include "examples/file_server/listing.h"
#include "examples/file_server/selection.h"
#include "examples/file_server/text.h"

namespace file_server {
namespace {

using eddy::Blocking;
using eddy::Result;
using eddy::Task;
using eddy::TaskScope;
using eddy::Unexpected;
using eddy::WithScope;
using eddy::WithTimeout;

// Fills `part` from the file. Errors: kEndOfStream if the file ends before.
Task<Result<void>> ReadPart(const eddy::fs::File& file, std::uint64_t offset,
                            std::span<std::byte> part) {
  EDDY_CO_TRY(const std::size_t n, co_await file.ReadAllAt(offset, part));
  if (n < part.size()) co_return Unexpected(eddy::kEndOfStream);
  co_return Result<void>();
}

// How the failure to open a file is told to the client.
Status StatusOf(eddy::Error error) {
  switch (static_cast<std::errc>(error.code())) {
    case std::errc::cross_device_link:  // it leads out of the root
    case std::errc::too_many_symbolic_link_levels:
    case std::errc::permission_denied:
    case std::errc::operation_not_permitted:
      return Status::kForbidden;
    case std::errc::no_such_file_or_directory:
    case std::errc::not_a_directory:
    case std::errc::filename_too_long:
    case std::errc::no_such_device_or_address:  // a socket
      return Status::kNotFound;
    case std::errc::too_many_files_open:
    case std::errc::too_many_files_open_in_system:
    case std::errc::resource_unavailable_try_again:
    case std::errc::not_enough_memory:
      return Status::kServiceUnavailable;
    default:
      return Status::kInternalError;
  }
}

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

Task<> Connection::Converse() {
  while (keep_alive_) {
    const Result<Status> heard = co_await reader_.Next();
    if (!heard) co_return;
    const Sent sent = co_await Answer(*heard);
    if (!sent) co_return;
  }
  if (!client_ends_ || reader_.has_more()) co_await reader_.Linger();
}

Task<Connection::Sent> Connection::Answer(Status status) {
  const Request& request = reader_.request();
  // A body is never read: what follows it would be taken for a request.
  keep_alive_ = status == Status::kOk && request.keep_alive &&
                !request.has_body && !site_.draining.stop_requested();
  client_ends_ =
      status == Status::kOk && !request.keep_alive && !request.has_body;
  if (status == Status::kOk && request.method == Request::Method::kOther) {
    return SendError(Status::kMethodNotAllowed, "Allow: GET, HEAD\r\n");
  }
  if (status == Status::kOk) status = ParseTarget(request.target, target_);
  if (status != Status::kOk) return SendError(status);
  return AnswerRequest();
}

Task<Connection::Sent> Connection::AnswerRequest() {
  FilePtr file = site_.files.Find(target_.path);
  for (int tries = 0; tries < 2; ++tries) {
    if (file == nullptr) {
      Result<FilePtr> opened = co_await site_.files.Open(target_.path);
      if (!opened) co_return co_await SendError(StatusOf(opened.error()));
      file = *std::move(opened);
    }
    if (file->is_folder) co_return co_await SendFolder(*file);
    EDDY_CO_TRY(const bool sent, co_await SendFile(*file));
    if (sent) co_return Sent();
    // It was cut off since it was opened; what it is now is another file.
    site_.files.Forget(target_.path);
    file = nullptr;
  }
  co_return Unexpected(eddy::kEndOfStream);
}

Task<Connection::Sent> Connection::SendFolder(const OpenFile& folder) {
  if (!target_.is_folder()) {
    const std::string location = Concat(
        {"Location: ", UrlPath(target_.path), "/", target_.query, "\r\n"});
    co_return co_await SendError(Status::kMovedPermanently, location);
  }
  const Result<std::string> page =
      co_await Blocking(ListFolder, folder.content.fd().get(), target_.path);
  if (!page) co_return co_await SendError(StatusOf(page.error()));
  co_return co_await SendPage(Status::kOk, {}, *page);
}

Task<Result<bool>> Connection::SendFile(const OpenFile& file) {
  const Selection selected = Select(reader_.request(), file);
  if (selected.status == Status::kRangeNotSatisfiable) {
    const std::string field =
        Concat({"Content-Range: bytes */", std::to_string(file.size), "\r\n"});
    EDDY_CO_CHECK(co_await SendError(selected.status, field));
    co_return true;
  }

  // The head, and behind it as much of the file as the buffer takes.
  BufferPool::Buffer buffer = site_.response_buffers.Take();
  HeadWriter head(buffer.bytes());
  head.Begin(selected, file);
  head.Append("Date: ").Append(site_.clock.Now()).Append("\r\n");
  head.Append(ConnectionField());
  const bool only_head = reader_.request().method == Request::Method::kHead;
  const std::uint64_t length = only_head ? 0 : selected.length;
  const std::size_t first = static_cast<std::size_t>(
      std::min<std::uint64_t>(length, buffer.size() - head.size()));
  const Result<void> read =
      co_await ReadPart(file.content, selected.offset,
                        buffer.bytes().subspan(head.size(), first));
  if (!read && read.error() == eddy::kEndOfStream) co_return false;
  if (!read) {
    EDDY_CO_CHECK(co_await SendError(StatusOf(read.error())));
    co_return true;
  }

  const std::size_t ready = head.size() + first;
  if (first == length) {
    EDDY_CO_CHECK(co_await Send(buffer.bytes().first(ready)));
  } else {
    EDDY_CO_CHECK(co_await Stream(file, selected.offset + first,
                                  selected.offset + length, std::move(buffer),
                                  ready));
  }
  co_return true;
}

// While one part is on its way to the client, the next one is read.
Task<Connection::Sent> Connection::Stream(const OpenFile& file,
                                          std::uint64_t offset,
                                          std::uint64_t end,
                                          BufferPool::Buffer front,
                                          std::size_t ready) {
  BufferPool::Buffer back = site_.response_buffers.Take();
  while (offset < end) {
    const std::span<std::byte> part = front.bytes().first(ready);
    const std::span<std::byte> next =
        back.bytes().first(static_cast<std::size_t>(
            std::min<std::uint64_t>(end - offset, back.size())));
    EDDY_CO_CHECK(co_await WithScope([&](TaskScope& scope) -> Task<Sent> {
      scope.Spawn(ReadPart(file.content, offset, next));
      co_return co_await Send(part);
    }));
    offset += next.size();
    ready = next.size();
    std::swap(front, back);
  }
  co_return co_await Send(front.bytes().first(ready));
}

Task<Connection::Sent> Connection::SendError(Status status,
                                             std::string_view fields) {
  const std::string_view text = StatusText(status);
  const std::string page =
      Concat({"<!DOCTYPE html>\n<html>\n<head><title>", text,
              "</title></head>\n<body><h1>", text, "</h1></body>\n</html>\n"});
  if (status == Status::kServiceUnavailable) {
    keep_alive_ = false;  // which gives a descriptor back
    fields = "Retry-After: 1\r\n";
  }
  co_return co_await SendPage(status, fields, page);
}

Task<Connection::Sent> Connection::SendPage(Status status,
                                            std::string_view fields,
                                            std::string_view page) {
  std::string response =
      Concat({"HTTP/1.1 ", StatusText(status),
              "\r\nServer: eddy\r\nDate: ", site_.clock.Now(),
              "\r\nContent-Type: text/html; charset=utf-8\r\n",
              "X-Content-Type-Options: nosniff\r\nContent-Length: ",
              std::to_string(page.size()), "\r\n", fields, ConnectionField()});
  if (reader_.request().method != Request::Method::kHead) response += page;
  co_return co_await Send(AsBytes(response));
}

Task<Connection::Sent> Connection::Send(std::span<const std::byte> data) {
  while (!data.empty()) {
    EDDY_CO_TRY(const std::size_t n,
                co_await WithTimeout(site_.options.idle_timeout,
                                     stream_.WriteSome(data)));
    data = data.subspan(n);
  }
  co_return Sent();
}

std::string_view Connection::ConnectionField() const noexcept {
  if (!keep_alive_) return "Connection: close\r\n\r\n";
  if (reader_.request().http_1_0) return "Connection: keep-alive\r\n\r\n";
  return "\r\n";
}

}  // namespace file_server

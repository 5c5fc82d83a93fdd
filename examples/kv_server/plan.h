// Plan: the commands of a batch that need other cores, sorted by core, and
// their replies put in order again.
//
// However many commands of a batch go to a core, it is one message there and
// back. On each core they are carried out in the order in which they came, so
// a client that pipelines sees its own changes; between cores there is no
// order. So a command of several keys (MSET, DEL, EXISTS, ...) is carried out
// at once on each core, and not at once on all: others may see a part of it.
// So, too, others may see a later command of a batch before an earlier one.
//
// What it keeps of a request are views: the words stay where they are until
// CarryOut has returned.
#ifndef EDDY_EXAMPLES_KV_SERVER_PLAN_H_
#define EDDY_EXAMPLES_KV_SERVER_PLAN_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "examples/kv_server/command.h"
#include "examples/kv_server/core.h"

namespace kv_server {

class Plan {
 public:
  explicit Plan(const Place& place) : place_(place) {}

  bool empty() const { return requests_.empty(); }
  // Commands.
  std::size_t size() const { return requests_.size(); }

  // One more command of keys, which TakesWords() so many.
  void Add(const Command& command, Arguments words);

  // Carries out what was added, and writes the replies; less where these are
  // many bytes: then it is not empty() afterwards, and goes on in the next
  // call, when they were sent. So a client holds no more than one large reply
  // from each core, however many it asks for. Errors: that of a log that could
  // not be written: then nothing is known of what was changed. kCanceled, so
  // too.
  eddy::Task<eddy::Result<void>> CarryOut(Reply& reply);

 private:
  struct Part {
    std::size_t request;
    std::size_t key_at;
    Key key;
  };
  struct Request {
    const Command* command;
    std::size_t first_word;
    std::size_t words;
  };
  struct Done {
    std::int64_t count;
    std::size_t reply_end;
  };
  // Bytes of replies of a core that wait to be put in order before it goes on.
  static constexpr std::size_t kMostWaiting = std::size_t{256} << 10;
  // What goes to one core and comes back. While it is away, it is that core's.
  struct Lane {
    Lane(unsigned core_in, std::size_t most_reply)
        : core(core_in), reply(most_reply) {}
    bool can_go_on() const {
      return done.size() < parts.size() && reply.size() < kMostWaiting;
    }
    unsigned core;
    std::vector<Part> parts;
    std::vector<Done> done;  // the first ones
    Reply reply;
    // What was put in order already.
    std::size_t taken = 0;
    std::size_t taken_bytes = 0;
  };

  Arguments WordsOf(const Request& request) const {
    return Arguments(words_).subspan(request.first_word, request.words);
  }
  eddy::Task<eddy::Result<void>> Send(Lane& lane);
  eddy::Task<eddy::Result<void>> RunLogged(Core& there, Lane& lane);
  void Run(Core& there, Lane& lane) const;
  void PutInOrder(Reply& reply);
  void Clear();

  const Place& place_;
  std::vector<std::string_view> words_;
  std::vector<Request> requests_;
  // The core of each key, in the order of the batch.
  std::vector<unsigned> cores_;
  std::vector<Lane> lanes_;  // by core; made when first needed
  // What is put in order next: a request, and its key; the key among all; and
  // what that request has come to.
  std::size_t next_ = 0;
  std::size_t next_key_ = 0;
  std::size_t next_part_ = 0;
  std::int64_t sum_ = 0;
  std::size_t bytes_ = 0;
};

// The reply to a command of several keys, before those of its keys, and behind
// them.
void BeginParts(const Command& command, std::size_t keys, Reply& reply);
void EndParts(const Command& command, std::int64_t sum, Reply& reply);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_PLAN_H_

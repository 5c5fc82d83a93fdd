// The logs of all cores, which belong together.
#ifndef EDDY_EXAMPLES_KV_SERVER_LOG_SET_H_
#define EDDY_EXAMPLES_KV_SERVER_LOG_SET_H_

#include <eddy/runtime/result.h>
#include <eddy/runtime/task.h>

#include <cstdint>
#include <optional>
#include <string>

namespace kv_server {

// The file of a core's log in a folder.
std::string LogPath(const std::string& folder, unsigned core);

// Reads the heads of a folder's logs before anything is made or changed there:
// each has to be that of its core of `cores`, and where one has changes all
// have to be there. Gives their seed; none where there are no logs.
// Errors: EBADMSG where they do not go together; those of the folder and the
// files. `problem` says what is wrong.
eddy::Task<eddy::Result<std::optional<std::uint64_t>>> CheckLogs(
    std::string folder, unsigned cores, std::string& problem);

}  // namespace kv_server

#endif  // EDDY_EXAMPLES_KV_SERVER_LOG_SET_H_

#include "examples/sqlite_service/store.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace sqlite_service {
namespace {

// Steps of SQLite's machine between two looks at the stop: some 20 us.
constexpr int kStepsBetweenLooks = 1000;
// Before a lock is tried again.
constexpr std::chrono::milliseconds kBusyPause(2);
// What one LIST answers at most; of the bytes one item more.
constexpr int kMostItems = 1000;
constexpr std::size_t kMostListBytes = 64 * 1024;
// So that a request with two of them fits in a line.
constexpr std::size_t kLongestKey = 1000;

// A statement has failed; what() is for the client.
class Refusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::pair<std::string_view, std::string_view> SplitWord(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == text.npos) return {text, {}};
  return {text.substr(0, space), text.substr(space + 1)};
}

std::optional<std::int64_t> ToNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

// The first text that is greater than all that begin with `prefix`; none where
// there is none.
std::optional<std::string> AfterPrefix(std::string_view prefix) {
  std::string after(prefix);
  while (!after.empty() && after.back() == '\xff') after.pop_back();
  if (after.empty()) return std::nullopt;
  after.back() =
      static_cast<char>(static_cast<unsigned char>(after.back()) + 1);
  return after;
}

std::string Explain(sqlite3* db, int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
      return "the database is busy";
    case SQLITE_INTERRUPT:
      return "it took too long";
    case SQLITE_FULL:
      return "the disk is full";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "the database is damaged";
    case SQLITE_TOOBIG:
      return "that is too long";
    default:
      if (sqlite3_system_errno(db) == ENOSPC) return "the disk is full";
      return sqlite3_errmsg(db);
  }
}

// Used for one request at a time, and reset after it.
class Statement {
 public:
  Statement(sqlite3* db, std::string_view sql) : db_(db) {
    const int code =
        sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
    if (code != SQLITE_OK) throw Refusal(Explain(db, code));
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds the parameters, each as bytes; REQUIRES: they live until Reset().
  void Bind(std::initializer_list<std::string_view> parameters) {
    int index = 0;
    for (const std::string_view text : parameters) {
      // A null pointer would be NULL, also with a size of 0.
      const char* const data = text.data() == nullptr ? "" : text.data();
      const int code = sqlite3_bind_blob64(statement_, ++index, data,
                                           text.size(), SQLITE_STATIC);
      if (code != SQLITE_OK) throw Refusal(Explain(db_, code));
    }
  }
  // False where there are no more rows.
  bool Step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    throw Refusal(Explain(db_, code));
  }
  // For what has no rows, and whose failure shows elsewhere.
  void Try() noexcept {
    sqlite3_step(statement_);
    sqlite3_reset(statement_);
  }
  // Valid until the next Step() or Reset().
  std::string_view Column(int index) {
    const void* const data = sqlite3_column_blob(statement_, index);
    const int size = sqlite3_column_bytes(statement_, index);
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
  }
  std::int64_t Number(int index) {
    return sqlite3_column_int64(statement_, index);
  }
  void Reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3* const db_;
  sqlite3_stmt* statement_ = nullptr;
};

// A statement at work.
class Execution {
 public:
  explicit Execution(Statement& statement,
                     std::initializer_list<std::string_view> parameters = {})
      : statement_(statement) {
    try {
      statement.Bind(parameters);
    } catch (...) {
      statement.Reset();
      throw;
    }
  }
  ~Execution() { statement_.Reset(); }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  Statement* operator->() { return &statement_; }

 private:
  Statement& statement_;
};

void Execute(Statement& statement,
             std::initializer_list<std::string_view> parameters = {}) {
  Execution execution(statement, parameters);
  while (execution->Step()) {
  }
}

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// The one that SQLite has taken when it was asked for WAL: what it cannot do is
// no error to it.
std::string JournalMode(sqlite3* db, const std::string& path) {
  std::string mode;
  const auto keep = [](void* to, int, char** values, char**) {
    if (values[0] != nullptr) *static_cast<std::string*>(to) = values[0];
    return 0;
  };
  const int code =
      sqlite3_exec(db, "PRAGMA journal_mode = WAL", keep, &mode, nullptr);
  if (code != SQLITE_OK) {
    throw std::runtime_error(path + ": " + Explain(db, code));
  }
  return mode;
}

Database OpenDatabase(const StoreOptions& options) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(
      options.path.c_str(), &opened,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  Database db(opened);
  if (code != SQLITE_OK) {
    throw std::runtime_error(options.path + ": " +
                             (db ? sqlite3_errmsg(db.get()) : "no memory"));
  }
  sqlite3_extended_result_codes(db.get(), 1);
  const auto busy = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::max<std::chrono::nanoseconds>(options.busy,
                                         std::chrono::seconds(1)));
  sqlite3_busy_timeout(db.get(), static_cast<int>(busy.count()));
  const std::string mode = JournalMode(db.get(), options.path);
  if (mode != "wal") {
    throw std::runtime_error(options.path +
                             ": cannot have a write-ahead log there, but "
                             "journal_mode = " +
                             mode);
  }
  const std::string prepare =
      std::string("PRAGMA synchronous = ") +
      (options.survives_power_failure ? "FULL;" : "NORMAL;") +
      "CREATE TABLE IF NOT EXISTS items(key BLOB PRIMARY KEY NOT NULL,"
      "                                 value BLOB NOT NULL) WITHOUT ROWID";
  const int prepared =
      sqlite3_exec(db.get(), prepare.c_str(), nullptr, nullptr, nullptr);
  if (prepared != SQLITE_OK) {
    throw std::runtime_error(options.path + ": " + Explain(db.get(), prepared));
  }
  return db;
}

}  // namespace

class Store::Connection {
 public:
  explicit Connection(const StoreOptions& options)
      : busy_(options.busy), db_(OpenDatabase(options)) {
    sqlite3_busy_handler(db_.get(), &Connection::OnBusy, this);
    sqlite3_progress_handler(db_.get(), kStepsBetweenLooks,
                             &Connection::OnProgress, this);
  }

  std::string Answer(std::string_view request, const StopRequest& stop) {
    // What was acknowledged in it would be lost with it.
    if (!EndTransaction()) return "ERR the database has failed\n";
    const Work work(*this, stop);
    try {
      return AnswerTo(request);
    } catch (const Refusal& refusal) {
      return std::string("ERR ") + refusal.what() + "\n";
    }
  }

 private:
  // A request that is answered. Whatever leaves it, an answer or an exception,
  // no transaction stays open behind it, and nobody looks at its stop any more.
  class Work {
   public:
    Work(Connection& connection, const StopRequest& stop)
        : connection_(connection) {
      connection_.stop_ = &stop;
    }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    ~Work() {
      // First: to roll back must not be stopped.
      connection_.stop_ = nullptr;
      connection_.EndTransaction();
    }

   private:
    Connection& connection_;
  };

  // SQLite calls these on the thread that is in Answer().
  static int OnProgress(void* self) {
    const StopRequest* const stop = static_cast<Connection*>(self)->stop_;
    return stop != nullptr && stop->IsMet() ? 1 : 0;
  }
  static int OnBusy(void* self, int tries) {
    auto* const connection = static_cast<Connection*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (tries == 0) connection->busy_since_ = now;
    if (OnProgress(self) != 0 ||
        now - connection->busy_since_ >= connection->busy_) {
      return 0;
    }
    std::this_thread::sleep_for(kBusyPause);
    return 1;
  }

  std::string AnswerTo(std::string_view request) {
    const auto [verb, rest] = SplitWord(request);
    const auto [key, text] = SplitWord(rest);
    if (verb == "PAIRS") return Pairs();
    if (verb == "LIST") return List(key, text);
    if (verb == "PUT") return Put(key, text);
    if (verb == "GET") return Get(key);
    if (verb == "DELETE") return Delete(key);
    if (verb == "ADD") return Add(key, text);
    return Swap(key, text);
  }

  std::string Put(std::string_view key, std::string_view text) {
    Execute(put_, {key, text});
    return "OK\n";
  }

  std::string Get(std::string_view key) {
    Execution got(get_, {key});
    if (!got->Step()) return "NONE\n";
    return "VALUE " + std::string(got->Column(0)) + "\n";
  }

  std::string Delete(std::string_view key) {
    Execute(delete_, {key});
    return sqlite3_changes(db_.get()) == 0 ? "NONE\n" : "OK\n";
  }

  std::string Add(std::string_view key, std::string_view text) {
    const std::optional<std::int64_t> number = ToNumber(text);
    if (!number) return "ERR that is no number\n";
    Execute(begin_);
    const std::string old = Value(key).value_or("0");
    const std::optional<std::int64_t> now = ToNumber(old);
    std::int64_t sum = 0;
    if (!now || __builtin_add_overflow(*now, *number, &sum)) {
      throw Refusal("there is no number, or the sum is too large");
    }
    const std::string value = std::to_string(sum);
    Execute(put_, {key, value});
    Execute(commit_);
    return "VALUE " + value + "\n";
  }

  std::string Swap(std::string_view one, std::string_view other) {
    Execute(begin_);
    const std::optional<std::string> value = Value(one);
    const std::optional<std::string> value_of_other = Value(other);
    if (!value || !value_of_other) return "NONE\n";
    Execute(put_, {one, *value_of_other});
    Execute(put_, {other, *value});
    Execute(commit_);
    return "OK\n";
  }

  std::string List(std::string_view prefix, std::string_view after) {
    const std::optional<std::string> end = AfterPrefix(prefix);
    // The first key after another one has a zero byte more.
    std::string begin(prefix);
    if (!after.empty()) {
      begin = std::max(begin, std::string(after) + '\0');
    }
    std::string items;
    std::string last;
    Execution listed =
        end ? Execution(list_, {begin, *end}) : Execution(list_all_, {begin});
    for (int count = 0; listed->Step(); ++count) {
      if (count == kMostItems || items.size() >= kMostListBytes) {
        return items + "MORE LIST " + std::string(prefix) + ' ' + last + '\n';
      }
      last = listed->Column(0);
      items += "ITEM ";
      items += last;
      items += ' ';
      items += listed->Column(1);
      items += '\n';
    }
    return items + "END\n";
  }

  std::string Pairs() {
    Execution counted(pairs_);
    counted->Step();
    return "VALUE " + std::to_string(counted->Number(0)) + "\n";
  }

  std::optional<std::string> Value(std::string_view key) {
    Execution got(get_, {key});
    if (!got->Step()) return std::nullopt;
    return std::string(got->Column(0));
  }

  // Rolls back where a transaction is open; false where that fails.
  bool EndTransaction() noexcept {
    if (sqlite3_get_autocommit(db_.get()) == 0) rollback_.Try();
    return sqlite3_get_autocommit(db_.get()) != 0;
  }

  const std::chrono::nanoseconds busy_;
  const Database db_;
  // Of the request that is answered.
  const StopRequest* stop_ = nullptr;
  std::chrono::steady_clock::time_point busy_since_;

  Statement begin_{db_.get(), "BEGIN IMMEDIATE"};
  Statement commit_{db_.get(), "COMMIT"};
  Statement rollback_{db_.get(), "ROLLBACK"};
  Statement get_{db_.get(), "SELECT value FROM items WHERE key = ?1"};
  Statement put_{db_.get(),
                 "INSERT INTO items(key, value) VALUES(?1, ?2) "
                 "ON CONFLICT(key) DO UPDATE SET value = excluded.value"};
  Statement delete_{db_.get(), "DELETE FROM items WHERE key = ?1"};
  Statement list_{db_.get(),
                  "SELECT key, value FROM items WHERE key >= ?1 AND key < ?2 "
                  "ORDER BY key"};
  Statement list_all_{db_.get(),
                      "SELECT key, value FROM items WHERE key >= ?1 "
                      "ORDER BY key"};
  Statement pairs_{db_.get(),
                   "SELECT count(*) FROM items a, items b "
                   "WHERE a.key <> b.key AND instr(a.value, b.value) > 0"};
};

Store::Store(const StoreOptions& options) {
  try {
    connection_ = std::make_unique<Connection>(options);
  } catch (const Refusal& refusal) {
    throw std::runtime_error(options.path + ": " + refusal.what());
  }
}

Store::~Store() = default;

bool Store::Writes(std::string_view request) {
  const std::string_view verb = SplitWord(request).first;
  return verb != "GET" && verb != "LIST" && verb != "PAIRS";
}

std::optional<std::string> Store::Refuse(std::string_view request) {
  const auto [verb, rest] = SplitWord(request);
  const auto [key, text] = SplitWord(rest);
  const bool needs_key = verb == "PUT" || verb == "GET" || verb == "DELETE" ||
                         verb == "ADD" || verb == "SWAP";
  const bool needs_none = verb == "LIST" || verb == "PAIRS";
  if (verb.empty() || (needs_key && key.empty())) {
    return "ERR there are PUT, GET, DELETE, ADD, SWAP, LIST, PAIRS and QUIT\n";
  }
  if (!needs_key && !needs_none) {
    return "ERR there is no " + std::string(verb) + "\n";
  }
  const bool has_two = verb == "SWAP" || verb == "LIST";
  if (key.size() > kLongestKey || (has_two && text.size() > kLongestKey)) {
    return "ERR that key is too long\n";
  }
  return std::nullopt;
}

std::string Store::Answer(std::string_view request, const StopRequest& stop) {
  if (std::optional<std::string> refused = Refuse(request)) return *refused;
  return connection_->Answer(request, stop);
}

}  // namespace sqlite_service

#include "examples/chat_server/chat.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace chat_server {
namespace {

constexpr std::size_t kLongestName = 16;

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '-' || c == '_';
         });
}

// What a terminal could take for an order.
bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

Line MakeLine(std::string_view text) {
  return std::make_shared<const std::string>(std::string(text) + "\n");
}

}  // namespace

void Member::Tell(std::string_view text) { Tell(MakeLine(text)); }

bool Chat::Handle(Member& member, std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view verb = line.substr(0, space);
  const std::string_view rest =
      space == line.npos ? std::string_view() : line.substr(space + 1);
  if (HasControls(line)) {
    member.Tell("ERR no control characters");
  } else if (verb == "QUIT") {
    return false;
  } else if (verb == "NICK") {
    Rename(member, rest);
  } else if (member.name_.empty()) {
    member.Tell("ERR say NICK name first");
  } else if (verb == "JOIN") {
    Join(member, rest);
  } else if (verb == "LEAVE") {
    Leave(member, member.name_);
    member.Tell("OK");
  } else if (verb == "MSG") {
    Say(member, rest);
  } else if (verb == "WHO") {
    Who(member);
  } else {
    member.Tell("ERR there are NICK, JOIN, LEAVE, MSG, WHO and QUIT");
  }
  return true;
}

void Chat::Remove(Member& member) {
  const std::string name = std::exchange(member.name_, "");
  names_.erase(name);
  Leave(member, name);
}

void Chat::Rename(Member& member, std::string_view name) {
  if (!IsName(name)) {
    return member.Tell("ERR a name has 1 to 16 letters, digits, - and _");
  }
  if (names_.contains(name)) return member.Tell("ERR that name is taken");
  TellOthers(member, "* " + member.name_ + " is now " + std::string(name));
  std::string new_name(name);
  names_.emplace(new_name, &member);
  names_.erase(member.name_);
  member.name_ = std::move(new_name);
  member.Tell("OK");
}

void Chat::Join(Member& member, std::string_view room) {
  if (!IsName(room)) {
    return member.Tell("ERR a room has 1 to 16 letters, digits, - and _");
  }
  Leave(member, member.name_);
  std::string new_room(room);
  rooms_[new_room].insert(&member);
  member.room_ = std::move(new_room);
  member.Tell("OK");
  TellOthers(member, "* " + member.name_ + " has come");
}

void Chat::Leave(Member& member, std::string_view name) {
  if (member.room_.empty()) return;
  // What may fail comes last.
  const auto room = rooms_.find(std::exchange(member.room_, ""));
  room->second.erase(&member);
  if (room->second.empty()) {
    rooms_.erase(room);
  } else {
    TellAll(room->second, member, "* " + std::string(name) + " has gone");
  }
}

void Chat::Say(Member& member, std::string_view text) {
  if (member.room_.empty()) return member.Tell("ERR say JOIN room first");
  TellOthers(member, "<" + member.name_ + "> " + std::string(text));
}

void Chat::Who(Member& member) {
  if (member.room_.empty()) return member.Tell("ERR say JOIN room first");
  std::string names = "OK";
  for (const Member* each : rooms_.find(member.room_)->second) {
    names += " " + each->name_;
  }
  member.Tell(names);
}

void Chat::TellOthers(const Member& member, std::string_view text) {
  const auto room = rooms_.find(member.room_);
  if (room != rooms_.end()) TellAll(room->second, member, text);
}

void Chat::TellAll(const Room& room, const Member& but, std::string_view text) {
  const Line line = MakeLine(text);
  for (Member* each : room) {
    if (each != &but) each->Tell(line);
  }
}

}  // namespace chat_server

// IntrusiveList: links in the elements, removal without the list.
#include <eddy/runtime/intrusive_list.h>
#include <gtest/gtest.h>

#include <vector>

namespace eddy::internal {
namespace {

struct OtherTag {};
struct Element : ListHook<Element>, ListHook<OtherTag> {
  explicit Element(int n) : number(n) {}
  int number;
};
using List = IntrusiveList<Element>;
using OtherList = IntrusiveList<Element, OtherTag>;
using Hook = ListHook<Element>;

std::vector<int> Numbers(const List& list) {
  std::vector<int> numbers;
  for (const Element& element : list) numbers.push_back(element.number);
  return numbers;
}

class IntrusiveListTest : public testing::Test {
 protected:
  Element a_{1};
  Element b_{2};
  Element c_{3};
};

TEST_F(IntrusiveListTest, StartsEmpty) {
  const List list;
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(a_.Hook::linked());
  EXPECT_EQ(Numbers(list), std::vector<int>());
}

TEST_F(IntrusiveListTest, KeepsTheOrderOfPushBack) {
  List list;
  list.PushBack(a_);
  list.PushBack(b_);
  list.PushBack(c_);
  EXPECT_EQ(&list.front(), &a_);
  EXPECT_EQ(Numbers(list), (std::vector<int>{1, 2, 3}));
  for (Element* element : {&a_, &b_, &c_}) element->Hook::Unlink();
}

TEST_F(IntrusiveListTest, ElementLeavesWithoutTheList) {
  List list;
  list.PushBack(a_);
  list.PushBack(b_);
  list.PushBack(c_);
  b_.Hook::Unlink();
  EXPECT_FALSE(b_.Hook::linked());
  EXPECT_EQ(Numbers(list), (std::vector<int>{1, 3}));
  a_.Hook::Unlink();
  c_.Hook::Unlink();
  EXPECT_TRUE(list.empty());
}

TEST_F(IntrusiveListTest, UnlinkingTwiceDoesNothing) {
  List list;
  list.PushBack(a_);
  a_.Hook::Unlink();
  a_.Hook::Unlink();
  EXPECT_TRUE(list.empty());
  list.PushBack(a_);
  EXPECT_EQ(Numbers(list), std::vector<int>{1});
  a_.Hook::Unlink();
}

TEST_F(IntrusiveListTest, ForEachMayUnlinkItsElement) {
  List list;
  list.PushBack(a_);
  list.PushBack(b_);
  list.PushBack(c_);
  std::vector<int> seen;
  list.ForEach([&](Element& element) {
    seen.push_back(element.number);
    if (element.number != 3) element.Hook::Unlink();
  });
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(Numbers(list), std::vector<int>{3});
  c_.Hook::Unlink();
}

TEST_F(IntrusiveListTest, AppendMovesAllElements) {
  List list;
  List other;
  list.PushBack(a_);
  other.PushBack(b_);
  other.PushBack(c_);
  list.Append(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(Numbers(list), (std::vector<int>{1, 2, 3}));
  list.Append(other);  // an empty one
  EXPECT_EQ(Numbers(list), (std::vector<int>{1, 2, 3}));
  other.Append(list);  // to an empty one
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(Numbers(other), (std::vector<int>{1, 2, 3}));
  for (Element* element : {&a_, &b_, &c_}) element->Hook::Unlink();
}

TEST_F(IntrusiveListTest, AnElementIsInAListForEachTag) {
  List list;
  OtherList other;
  list.PushBack(a_);
  other.PushBack(a_);
  a_.Hook::Unlink();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(&other.front(), &a_);
  a_.ListHook<OtherTag>::Unlink();
  EXPECT_TRUE(other.empty());
}

}  // namespace
}  // namespace eddy::internal

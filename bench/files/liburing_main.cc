// The hand-written liburing twins as one program (see modes.h).

#include "bench/files/liburing.h"
#include "bench/lib/modes.h"

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"read", twin::Read},
                  {"load", twin::Load},
                  {"store", twin::Store},
                  {"create", twin::Create},
                  {"sync", twin::Sync}},
                 argc, argv);
}

// eddy's part in the files benchmark as one program (see modes.h).

#include "bench/files/eddy.h"
#include "bench/lib/modes.h"

int main(int argc, char** argv) {
  using namespace eddy::bench;  // NOLINT: a program
  return RunMode({{"read", subject::Read},
                  {"load", subject::Load},
                  {"store", subject::Store},
                  {"copy", subject::Copy},
                  {"create", subject::Create},
                  {"walk", subject::Walk},
                  {"sync", subject::Sync}},
                 argc, argv);
}

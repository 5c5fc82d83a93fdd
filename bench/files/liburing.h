// The hand-written liburing twins: one function for each mode (see plans.h).

#ifndef EDDY_BENCH_FILES_LIBURING_H_
#define EDDY_BENCH_FILES_LIBURING_H_

namespace eddy::bench::twin {

int Read(int argc, char** argv);
int Load(int argc, char** argv);
int Store(int argc, char** argv);
int Create(int argc, char** argv);
int Sync(int argc, char** argv);

}  // namespace eddy::bench::twin

#endif  // EDDY_BENCH_FILES_LIBURING_H_

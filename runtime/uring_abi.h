// Constants of the kernel's io_uring interface that Debian 12's liburing does
// not have yet. The only place where that difference shows.
#ifndef EDDY_RUNTIME_URING_ABI_H_
#define EDDY_RUNTIME_URING_ABI_H_

#include <liburing.h>

// Linux 6.6: the submission queue has no index array.
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif

#endif  // EDDY_RUNTIME_URING_ABI_H_

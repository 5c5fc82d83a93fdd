// Files by name and by descriptor, and the streams of <stdio.h>.

#include <eddy/runtime/allow_blocking.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/runtime/blocking_guard/call_contract.h"

// What _FORTIFY_SOURCE makes of calls.
extern "C" {
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
char* __fgets_chk(char* data, size_t room, int size, FILE* file);
int __fprintf_chk(FILE* file, int flag, const char* format, ...);
}

namespace eddy::guard_test {
namespace {

const Case kFiles[] = {
    {"open", [](World& w) { ::close(::open(w.path.c_str(), O_RDONLY)); }},
    {"open", [](World& w) { ::close(::open64(w.path.c_str(), O_RDONLY)); },
     "64"},
    {"open", [](World& w) { ::close(__open_2(w.path.c_str(), O_RDONLY)); },
     "_2"},
    {"open", [](World& w) { ::close(__open64_2(w.path.c_str(), O_RDONLY)); },
     "64_2"},
    {"openat",
     [](World& w) { ::close(::openat(AT_FDCWD, w.path.c_str(), O_RDONLY)); }},
    {"creat", [](World& w) { ::close(::creat(w.Name("new").c_str(), 0600)); }},
    {"mkstemp",
     [](World& w) {
       std::string name = w.Name("XXXXXX");
       ::close(::mkstemp(name.data()));
     }},
    {"mkdtemp",
     [](World& w) {
       std::string name = w.Name("XXXXXX");
       Use(::mkdtemp(name.data()));
     }},
    {"flock", [](World& w) { ::flock(w.file, LOCK_EX); }},
    {"lockf", [](World& w) { Use(::lockf(w.file, F_LOCK, 1)); }},
    {"fcntl",
     [](World& w) {
       struct flock lock {};
       lock.l_type = F_WRLCK;
       ::fcntl(w.file, F_SETLKW, &lock);
     }},
    {"fsync", [](World& w) { ::fsync(w.file); }},
    {"fdatasync", [](World& w) { ::fdatasync(w.file); }},
    {"sync_file_range", [](World& w) { ::sync_file_range(w.file, 0, 1, 0); }},
    {"msync",
     [](World& w) {
       void* page = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, w.file, 0);
       ::msync(page, 4096, MS_SYNC);
       munmap(page, 4096);
     }},
    {"truncate", [](World& w) { Use(::truncate(w.path.c_str(), 8)); }},
    {"ftruncate", [](World& w) { Use(::ftruncate(w.file, 8)); }},
    {"fallocate", [](World& w) { Use(::fallocate(w.file, 0, 0, 8)); }},
    {"posix_fallocate", [](World& w) { Use(::posix_fallocate(w.file, 0, 8)); }},
    {"stat",
     [](World& w) {
       struct stat info;
       ::stat(w.path.c_str(), &info);
     }},
    {"stat",
     [](World& w) {
       struct stat64 info;
       ::stat64(w.path.c_str(), &info);
     },
     "64"},
    {"lstat",
     [](World& w) {
       struct stat info;
       ::lstat(w.path.c_str(), &info);
     }},
    {"fstatat",
     [](World& w) {
       struct stat info;
       ::fstatat(AT_FDCWD, w.path.c_str(), &info, 0);
     }},
    {"statx",
     [](World& w) {
       struct statx info;
       ::statx(AT_FDCWD, w.path.c_str(), 0, STATX_SIZE, &info);
     }},
    {"statfs",
     [](World& w) {
       struct statfs info;
       ::statfs(w.path.c_str(), &info);
     }},
    {"statvfs",
     [](World& w) {
       struct statvfs info;
       ::statvfs(w.path.c_str(), &info);
     }},
    {"access", [](World& w) { Use(::access(w.path.c_str(), R_OK)); }},
    {"faccessat",
     [](World& w) { Use(::faccessat(AT_FDCWD, w.path.c_str(), R_OK, 0)); }},
    {"opendir", [](World& w) { ::closedir(::opendir(w.folder.c_str())); }},
    {"readdir",
     [](World& w) {
       DIR* directory = fdopendir(::dup(w.file));
       if (directory == nullptr) {
         const AllowBlocking allow("to have a folder to read");
         directory = ::opendir(w.folder.c_str());
       }
       Use(::readdir(directory));
       ::closedir(directory);
     }},
    {"scandir",
     [](World& w) {
       dirent** list = nullptr;
       const int n = ::scandir(w.folder.c_str(), &list, nullptr, nullptr);
       for (int i = 0; i < n; ++i) std::free(list[i]);
       std::free(list);
     }},
    {"nftw",
     [](World& w) {
       ::nftw(
           w.folder.c_str(),
           [](const char*, const struct stat*, int, struct FTW*) { return 0; },
           4, 0);
     }},
    {"glob",
     [](World& w) {
       glob_t found;
       ::glob(w.Name("*").c_str(), 0, nullptr, &found);
       globfree(&found);
     }},
    {"unlink", [](World& w) { ::unlink(w.path.c_str()); }},
    {"unlinkat", [](World& w) { ::unlinkat(AT_FDCWD, w.path.c_str(), 0); }},
    {"rmdir", [](World& w) { ::rmdir(w.Name("none").c_str()); }},
    {"remove", [](World& w) { ::remove(w.path.c_str()); }},
    {"rename",
     [](World& w) { ::rename(w.path.c_str(), w.Name("new").c_str()); }},
    {"renameat",
     [](World& w) {
       ::renameat(AT_FDCWD, w.path.c_str(), AT_FDCWD, w.Name("new").c_str());
     }},
    {"renameat2",
     [](World& w) {
       ::renameat2(AT_FDCWD, w.path.c_str(), AT_FDCWD, w.Name("new").c_str(),
                   0);
     }},
    {"mkdir", [](World& w) { ::mkdir(w.Name("new").c_str(), 0700); }},
    {"mkdirat",
     [](World& w) { ::mkdirat(AT_FDCWD, w.Name("new").c_str(), 0700); }},
    {"link",
     [](World& w) { Use(::link(w.path.c_str(), w.Name("new").c_str())); }},
    {"linkat",
     [](World& w) {
       Use(::linkat(AT_FDCWD, w.path.c_str(), AT_FDCWD, w.Name("new").c_str(),
                    0));
     }},
    {"symlink",
     [](World& w) { Use(::symlink("file", w.Name("new").c_str())); }},
    {"symlinkat",
     [](World& w) {
       Use(::symlinkat("file", AT_FDCWD, w.Name("new").c_str()));
     }},
    {"readlink",
     [](World& w) {
       Use(::readlink(w.path.c_str(), w.buffer.data(), w.buffer.size()));
     }},
    {"realpath",
     [](World& w) { std::free(::realpath(w.path.c_str(), nullptr)); }},
    {"chmod", [](World& w) { ::chmod(w.path.c_str(), 0600); }},
    {"fchmod", [](World& w) { ::fchmod(w.file, 0600); }},
    {"chown",
     [](World& w) { Use(::chown(w.path.c_str(), getuid(), getgid())); }},
    {"utimensat",
     [](World& w) { ::utimensat(AT_FDCWD, w.path.c_str(), nullptr, 0); }},
    {"fopen", [](World& w) { const std::ifstream stream(w.path); },
     "_by_ifstream"},
};

const Case kStreams[] = {
    {"fopen", [](World& w) { std::fclose(std::fopen(w.path.c_str(), "r")); }},
    {"fread",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "r");
       Use(std::fread(w.buffer.data(), 1, 4, file));
       Use(std::fread(w.buffer.data(), 1, 4, file));  // of the buffer
       std::fclose(file);
     }},
    {"fgets",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "r");
       Use(std::fgets(w.buffer.data(), 64, file));
       Use(std::fgets(w.buffer.data(), 64, file));
       std::fclose(file);
     }},
    {"fgets",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "r");
       Use(__fgets_chk(w.buffer.data(), 64, 64, file));
       std::fclose(file);
     },
     "_chk"},
    {"fgetc",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "r");
       Use(std::fgetc(file));
       std::fclose(file);
     }},
    {"getdelim",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "r");
       char* line = nullptr;
       std::size_t size = 0;
       Use(::getline(&line, &size, file));
       std::free(line);
       std::fclose(file);
     }},
    {"fscanf",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "r");
       Use(std::fscanf(file, "%8s", w.buffer.data()));
       std::fclose(file);
     }},
    {"fflush",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "w");
       std::fputs("x", file);  // to the buffer
       std::fflush(file);
       std::fclose(file);
     }},
    {"fclose",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "w");
       std::fputs("x", file);
       std::fclose(file);
     }},
    {"fwrite",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "w");
       std::setvbuf(file, nullptr, _IONBF, 0);
       // (Of one byte clang makes a fputc.)
       std::fwrite("xy", 1, 2, file);
       std::fclose(file);
     }},
    {"fputs",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "w");
       std::setvbuf(file, nullptr, _IOLBF, 64);
       std::fputs(w.Name("\n").c_str(), file);
       std::fclose(file);
     }},
    {"fprintf",
     [](World& w) {
       FILE* file = fdopen(::dup(w.file), "w");
       std::setvbuf(file, nullptr, _IONBF, 0);
       Use(__fprintf_chk(file, 1, "%d", 1));
       std::fclose(file);
     },
     "_chk"},
};

INSTANTIATE_TEST_SUITE_P(File, CallTest, ::testing::ValuesIn(kFiles), NameOf);
INSTANTIATE_TEST_SUITE_P(Stream, CallTest, ::testing::ValuesIn(kStreams),
                         NameOf);

}  // namespace
}  // namespace eddy::guard_test

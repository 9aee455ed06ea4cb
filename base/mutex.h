// Mutex and MutexLock over std::mutex, which sanitizers see through;
// absl::Mutex of Debian is not instrumented.
#pragma once

#include <condition_variable>
#include <mutex>

namespace anabranch {

using Mutex = std::mutex;
using MutexLock = std::unique_lock<std::mutex>;
using CondVar = std::condition_variable;

}  // namespace anabranch

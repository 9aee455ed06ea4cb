#include "activity_worker/executor/compute_thread.h"

#include <utility>

namespace anabranch::activity_worker {

ComputeThread::ComputeThread(Done done)
    : done_(std::move(done)), thread_([this] { Loop(); }) {}

ComputeThread::~ComputeThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ComputeThread::Submit(TaskId id, std::shared_ptr<const v1::Task> task,
                           HelperWork work) {
  {
    const std::scoped_lock lock(mutex_);
    items_.push_back({id, std::move(task), std::move(work)});
  }
  wake_.notify_one();
}

void ComputeThread::Cancel(TaskId id) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(items_, [id](const Item& item) { return item.id == id; });
}

void ComputeThread::Loop() {
  while (true) {
    Item item;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopped_ || !items_.empty(); });
      if (stopped_) return;
      item = std::move(items_.front());
      items_.pop_front();
    }
    done_(item.id, item.work(*item.task));
  }
}

}  // namespace anabranch::activity_worker

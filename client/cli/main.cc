#include <string>
#include <vector>

#include "client/cli/environment.h"
#include "client/cli/program.h"

int main(int argc, char** argv) {
  return anabranch::cli::RunProgram(
      std::vector<std::string>(argv + 1, argv + argc),
      anabranch::cli::ProcessEnvironment());
}

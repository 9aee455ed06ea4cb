// anabranch-orchestrator: the server, with the flows that ship.
#include "flows/register.h"
#include "orchestrator/program.h"

int main(int argc, char** argv) {
  return anabranch::orchestrator::RunProgram(argc, argv,
                                             anabranch::flows::RegisterFlows);
}

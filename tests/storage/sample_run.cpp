// Writes the run that plain_python_test.py reads: sample_run DIRECTORY.
#include <cstdio>
#include <storage/run_writer.h>
#include <vector>

int main(int count, char** arguments) {
  namespace storage = switchyard::storage;
  if (count != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", arguments[0]);
    return 2;
  }
  storage::RunWriter writer(arguments[1]);
  writer.begin_segment({});
  for (const auto& [name, num_experts] : {std::pair{"small", 16}, std::pair{"large", 5000}}) {
    writer.layer(name, num_experts, 4);
    for (int step = 1; step <= 3; ++step) {
      std::vector<float> importance;
      std::vector<float> load;
      for (int expert = 0; expert < num_experts; ++expert) {
        importance.push_back(static_cast<float>(expert) * 0.25F);
        load.push_back(static_cast<float>(expert + 1000 * step));
      }
      writer.experts({name, step, importance, load, {}, 0});
    }
  }
  return writer.flush() ? 0 : 1;
}

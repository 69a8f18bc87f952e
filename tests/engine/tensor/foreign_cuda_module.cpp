// A CUDA module that another build made: same symbol, another build id.
namespace {
struct Table {
  const char* build_id;
};
}  // namespace

extern "C" [[gnu::visibility("default")]] const void* switchyard_cuda_module_v1() {
  static const Table table = {"0.0.0 stranger"};
  return &table;
}

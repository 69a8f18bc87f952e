set(SWITCHYARD_GENERIC_OPS_TESTS
    generic_test_ew.cpp
    generic_test_math.cpp
    generic_test_matrices.cpp
    generic_test_pointwise.cpp
    generic_test_random.cpp
    generic_test_reduce.cpp
    generic_test_select.cpp)

-- Inputs: none. Makes the attached lake the place of unqualified names.
use lake;

/* `payoutd config` alone, for the scripts that make and check the generated files. */
#include "payoutd/app/config_command.h"

int main(int argc, char **argv)
{
    return config_command_run(argc, argv);
}

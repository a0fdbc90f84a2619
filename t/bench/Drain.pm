package Drain;

# ./dev bench drain: what happens to a fleet when its workers leave.

use warnings;
use strict;


our $workers = 2;

my $grace = 30;

our %load = (
    uri => '/api/sled-uplink', n => 2000, terminals => 500, requests => 100,
    frame => 1024, rate => 5, warm => 1, secs => $grace + 20,
);

our @actions = (
    { name => 'reload', moves => 1,
      script => 'kill -HUP MASTER' },
    { name => 'reload, 2 workers to 3', moves => 1,
      script => 'sed -i "s/worker_processes 2/worker_processes 3/" CONF
                 kill -HUP MASTER' },
    { name => 'reload, 2 workers to 1', moves => 1,
      script => 'sed -i "s/worker_processes 2/worker_processes 1/" CONF
                 kill -HUP MASTER' },
    { name => 'kill -9 of a worker', moves => 0, one => 1,
      says => qr/exited on signal 9$/,
      script => 'kill -KILL WORKER' },
);

my @columns = (
    [ 'resumed', 'resumed', '%d' ],
    [ 'anew', 'anew', '%d' ],
    [ 'lost', 'cut off', '%d' ],
    [ 'told_s', 'told s', '%.3f' ],
    [ 'share', 'most in 1 s', '%.2f' ],
    [ 'old_s', 'old gone s', '%.1f' ],
    [ 'reattached', 'shells back', '%d' ],
    [ 'away_s', 'away s', '%.3f' ],
    [ 'gaps', 'gaps', '%d' ],
    [ 'mb', 'MB', '%.0f' ],
    [ 'answered', 'decided', '%d' ],
    [ 'repeated', 'repeated', '%d' ],
);


sub settings {
    return {
        uplink_request_memory => '10m',
        uplink_resume_window => '30s',
        uplink_drain_timeout => "${grace}s",
        uplink_terminal_linger => '30s',
    };
}


sub script {
    my ($action, $server) = @_;

    my $script = $action->{script};
    my %names = (
        MASTER => $server->{pid}, WORKER => $server->{workers}[0],
        CONF => "$server->{name}/nginx.conf",
    );

    $script =~ s/\b(MASTER|WORKER|CONF)\b/$names{$1}/g;
    $script =~ s/^\s+//mg;

    return "#!/bin/sh\nset -e\n$script\n";
}


sub head {
    return "\ndrain: $load{n} sleds, $load{terminals} terminals that write "
        . $load{rate} * $load{frame} . " bytes a second each, $load{requests} "
        . "open requests,\nuplink_drain_timeout ${grace}s; \"most in 1 s\" is "
        . "the fullest second as a multiple of an even share of\nthe "
        . $grace / 2 . " s in which sleds are asked to come back\n\n"
        . sprintf('  %-24s', '') . join('', map { sprintf ' %11s', $_->[1] }
                                            @columns) . "\n";
}


sub row {
    my ($action, $result, $error) = @_;

    if ($error) {
        $error =~ s/\s+/ /g;
        return sprintf("  %-24s failed: %s\n", $action->{name}, $error);
    }

    my $share = $result->{sleds} / ($grace / 2);
    $result->{share} = $action->{moves} ? $result->{most} / $share : undef;

    return sprintf('  %-24s', $action->{name})
        . join('', map { my ($key, undef, $format) = @$_;
                         sprintf ' %11s', defined $result->{$key}
                             ? sprintf($format, $result->{$key}) : '-' }
                   @columns) . "\n";
}


1;

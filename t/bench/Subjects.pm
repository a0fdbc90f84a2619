package Subjects;

# What is measured beside what, and the nginx it happens in.

use warnings;
use strict;


my @rate = (
    [ 'cpu_us', 'CPU us', '%.2f' ],
    [ 'rate', 'per second', '%.0f' ],
    [ 'busy', 'worker busy', '%.2f' ],
);

my @trip = (
    [ 'cpu_us', 'CPU us', '%.2f' ],
    [ 'p50_us', 'p50 us', '%.0f' ],
    [ 'p99_us', 'p99 us', '%.0f' ],
    [ 'rate', 'per second', '%.0f' ],
);

my @stream = (
    [ 'cpu_us', 'CPU us a frame', '%.3f' ],
    [ 'us_mb', 'CPU us a raw MB', '%.0f' ],
    [ 'mb', 'MB/s', '%.0f' ],
    [ 'busy', 'worker busy', '%.2f' ],
);


our @tables = (

    {
        scenario => 'idle',
        title => 'idle: bytes of user memory a connection, 10000 connections',
        connections => 10000, rounds => 2, secs => 0,
        columns => [
            [ 'sum', 'in all', '%.0f' ],
            [ 'anon', 'worker', '%.0f' ],
            [ 'shmem', 'zone, touched', '%.0f' ],
            [ 'zone', 'zone, used', '%.0f' ],
        ],
        subjects => [
            { name => 'tunnel',
              load => { subject => 'tunnel', uri => '/tunnel' } },
            { name => 'echo door', beside => 'tunnel', target => 0.56,
              needs => ['uplink_echo'],
              load => { subject => 'echo', uri => '/echo' } },
            { name => 'sleds, registered', beside => 'tunnel', target => 0.56,
              needs => [qw/ uplink_sled uplink_status /],
              load => { subject => 'sled', uri => '/api/sled-uplink',
                        status => '/status' } },
            { name => 'the same, request pool of 6k', beside => 'tunnel',
              target => 0.56, http => 'request_pool_size 6k;',
              needs => [qw/ uplink_sled uplink_status /],
              load => { subject => 'sled', uri => '/api/sled-uplink',
                        status => '/status' } },
        ],
    },

    {
        scenario => 'handshake',
        title => 'handshake: connect, upgrade, close; 16 at a time',
        rounds => 5, secs => 1,
        columns => \@rate,
        subjects => [
            { name => 'tunnel',
              load => { subject => 'tunnel', uri => '/tunnel', n => 16 } },
            { name => 'echo door', beside => 'tunnel', target => 0.6,
              needs => ['uplink_echo'],
              load => { subject => 'echo', uri => '/echo', n => 16 } },
            { name => 'sled, and register', beside => 'tunnel',
              needs => ['uplink_sled'],
              load => { subject => 'sled', uri => '/api/sled-uplink',
                        n => 16 } },
        ],
    },

    map({ permission($_) } 1, 32),
    map({ my $n = $_;
          map({ my $frame = $_; map({ stream($n, $frame, $_) } 0, 1) }
              64, 4096) }
        1, 32, 256),
    map({ echo($_) } 1, 32),
    map({ keys_beside($_) } 0, 2000),
);


sub permission {
    my ($n) = @_;

    my $yardstick = "echo through the tunnel";
    my %sled = (subject => 'sled', uri => '/api/sled-uplink', n => $n);
    my @needs = (needs => [qw/ uplink_sled uplink_api /]);

    return {
        scenario => 'permission',
        title => "permission: sled, operator, sled; $n at a time",
        rounds => 7, secs => 1.5,
        columns => \@trip,
        subjects => [
            { name => $yardstick, scenario => 'echo',
              load => { subject => 'tunnel', uri => '/tunnel', n => $n } },
            { name => 'within one worker', beside => $yardstick,
              target => 1.3, @needs, load => { %sled } },
            { name => 'the same, not registered', beside => $yardstick,
              target => 1.3, @needs, load => { %sled, anonymous => 1 } },
            { name => 'across two', beside => $yardstick, workers => 2,
              target => 2, @needs, load => { %sled, across => 1 } },
        ],
    };
}


sub stream {
    my ($n, $frame, $binary) = @_;

    my $beside = $binary ? 'tunnel, 128k buffer' : 'tunnel';
    my $target = $binary ? ($frame > 64 ? 1 : undef)
                         : ($frame > 64 ? 0.3 : 0.75);

    return {
        scenario => 'terminal',
        title => "terminal: $n sessions, frames of $frame raw bytes, "
                 . ($binary ? 'binary' : 'JSON'),
        rounds => 7, secs => 0.5,
        columns => \@stream,
        subjects => terminals($beside, $target, 'stream', n => $n,
                              frame => $frame, binary => $binary),
    };
}


sub echo {
    my ($n) = @_;

    return {
        scenario => 'terminal',
        title => "terminal: a keystroke's echo, $n at a time",
        rounds => 5, secs => 0.6,
        columns => \@trip,
        subjects => terminals('tunnel', 0.9, 'echo', n => $n),
    };
}


sub keys_beside {
    my ($rate) = @_;

    return {
        scenario => 'terminal',
        title => "terminal: 1000 keystrokes a second by the clock, "
                 . ($rate ? "beside $rate frames of 4 KiB a second in 31 "
                            . "other sessions" : 'nothing else'),
        rounds => 7, secs => 1.5,
        columns => [
            [ 'p99_us', 'p99 us', '%.0f' ], [ 'p50_us', 'p50 us', '%.0f' ],
        ],
        subjects => terminals('tunnel', 0.9, 'keys', n => $rate ? 32 : 1,
                              frame => 4096, rate => $rate),
    };
}


sub terminals {
    my ($beside, $target, $mode, @load) = @_;

    my %tunnel = (subject => 'tunnel', mode => $mode, @load);
    my %module = (subject => 'terminal', mode => $mode, @load,
                  uri => '/api/sled-uplink');
    my @needs = (needs => ['uplink_terminal']);

    return [
        { name => 'tunnel', load => { %tunnel, uri => '/tunnel' } },
        { name => 'tunnel, 128k buffer',
          load => { %tunnel, uri => '/tunnel128' } },
        { name => 'within one worker', beside => $beside, target => $target,
          @needs, load => { %module } },
        { name => 'across two', beside => 'within one worker', workers => 2,
          target => 1.8, @needs, load => { %module, across => 1 } },
    ];
}


# only the doors that this module has

sub configuration {
    my ($c) = @_;

    my %doors = (
        uplink_echo => 'location = /echo { uplink_echo; }',
        uplink_sled => 'location = /api/sled-uplink { uplink_sled bench; }',
        uplink_api => 'location /v1/ { uplink_api bench; }',
        uplink_status => 'location = /status { uplink_status bench; }',
        uplink_terminal => 'location ~ ^/ws/issues/(?<issue>[^/]+)/terminal$ {
            uplink_terminal bench issue=$issue workspace=$arg_workspace_id;
        }',
    );

    my $doors = join("\n        ", map { $doors{$_} }
                                   grep { $c->{known}->($_) } sort keys %doors);

    # what has ended is forgotten soon: the runs must not fill the zone

    my %settings = (
        uplink_zone => 'bench 256m',
        uplink_auth => 'off',
        uplink_request_memory => '1s',
        uplink_resume_window => '1s',
        uplink_max_terminals => 1024,
        uplink_max_terminals_per_user => 1024,
        %{ $c->{settings} || {} },
    );

    my $settings = join("\n    ", map { "$_ $settings{$_};" }
                                  grep { $c->{known}->($_) }
                                  sort keys %settings);

    my $port = $c->{known}->('uplink_sled')
               ? 'add_header X-Uplink-Port $uplink_port always;' : '';

    $port = '' if $c->{workers} == 1;

    return <<"END";
$c->{module}
daemon off;
pid $c->{name}/nginx.pid;
error_log $c->{name}/error.log notice;
worker_processes $c->{workers};
$c->{affinity}
worker_rlimit_nofile $c->{limit};

events {
    worker_connections $c->{limit};
}

http {
    access_log off;

    client_body_temp_path $c->{name}/body;
    proxy_temp_path $c->{name}/proxy;
    fastcgi_temp_path $c->{name}/fastcgi;
    uwsgi_temp_path $c->{name}/uwsgi;
    scgi_temp_path $c->{name}/scgi;

    $settings
    $c->{http}

    proxy_http_version 1.1;
    proxy_set_header Upgrade \$http_upgrade;
    proxy_set_header Connection upgrade;
    proxy_read_timeout 1h;
    proxy_send_timeout 1h;

    server {
        listen 127.0.0.1:$c->{port}$c->{reuseport};

        $port

        location = /tunnel {
            proxy_pass http://127.0.0.1:$c->{backend};
        }

        location = /tunnel128 {
            proxy_pass http://127.0.0.1:$c->{backend};
            proxy_buffer_size 128k;
            proxy_buffers 8 128k;
        }

        $doors
    }
}
END
}


1;

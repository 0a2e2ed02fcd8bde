# Heartbeat guest: one 512-byte boot sector in 16-bit real mode that needs no operating system.
#
# A disk starts with this sector. The guest shows on the disk itself who writes to it:
#   LBA 1      the newest boot: its first heartbeat and every fourth after that
#   LBA 2..33  one slot for each of the last 32 boots, slot = boots mod 32: every heartbeat
# A heartbeat sector (little endian): 0 "KENNELHB", 8 u32 beat, 12 u32 boots, 16 u32 tag.
# `boots` is read from LBA 1 at boot and incremented; `tag` is drawn anew at every boot.
#
# LBA 1 is written before the slot, so a later boot that sees this one counts past it. Two tags
# with one `boots` therefore mean two guests that ran at once.
#
# The serial port says KENNEL-UP at boot and E for each failed write. The ACPI power button ends
# the guest, so a graceful shutdown works where the domain has ACPI.

.code16
.globl _start

.set sector, 0x8000
.set beat,   sector + 8
.set boots,  sector + 12
.set tag,    sector + 16
.set slots,  32
.set ticks_per_beat, 4                  # of 18.2 a second
.set serial, 0x3f8
.set pm_status, 0x600                   # PIIX4 power management block as SeaBIOS maps it
.set pm_enable, 0x602
.set pm_control, 0x604
.set power_button, 0x0100
.set soft_off, 0x2000                   # sleep enable, sleep type S5

_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        sti
        cld
        movb    %dl, drive

read_again:                             # counting from anything else would hide the last boot
        movb    $0x42, %ah              # extended read of LBA 1
        call    transfer
        jnc     1f
        hlt
        jmp     read_again
1:      incl    boots
        movb    $2, %ah                 # wall time in BCD: cx = hours, minutes; dh = seconds
        int     $0x1a
        pushw   %cx
        pushw   %dx
        popl    %ecx
        rdtsc
        imull   $0x9e3779b1, %eax, %eax # spread the jitter of the counter over all bits
        xorl    %ecx, %eax
        movl    %eax, tag
        movl    $0x4e4e454b, sector     # KENN
        movl    $0x42484c45, sector + 4 # ELHB
        movl    $0, beat

        movw    $pm_enable, %dx
        movw    $power_button, %ax
        outw    %ax, %dx
        movw    $banner, %si
2:      lodsb
        testb   %al, %al
        jz      next_beat
        call    print
        jmp     2b

next_beat:
        incl    beat
        movb    beat, %al
        andb    $3, %al
        cmpb    $1, %al
        jne     1f
        movl    $1, address
        call    store
1:      movl    boots, %eax
        andl    $(slots - 1), %eax
        addl    $2, %eax
        movl    %eax, address
        call    store

        movb    $ticks_per_beat, %bl
3:      hlt
        movw    $pm_status, %dx
        inw     %dx, %ax
        cmpw    $0xffff, %ax            # no such port: the machine has no ACPI
        je      4f
        testw   $power_button, %ax
        jnz     power_off
4:      decb    %bl
        jnz     3b
        jmp     next_beat

power_off:
        movw    $pm_control, %dx
        movw    $soft_off, %ax
        outw    %ax, %dx
5:      hlt
        jmp     5b

store:                                  # writes the sector to `address`, prints E on failure
        movb    $0x43, %ah
        call    transfer
        jnc     6f
        movb    $'E', %al
        call    print
6:      ret

transfer:                               # ah = BIOS function; carry set on error
        xorb    %al, %al
        movb    drive, %dl
        movw    $packet, %si
        int     $0x13
        ret

print:
        movw    $serial, %dx
        outb    %al, %dx
        ret

banner: .asciz  "KENNEL-UP\n"
drive:  .byte   0x80
        .align  4
packet: .byte   16, 0                   # BIOS disk address packet
        .word   1                       # sectors
        .word   sector, 0
address: .long  1, 0

        .org    510
        .word   0xaa55
